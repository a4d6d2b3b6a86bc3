// SPDX-License-Identifier: BSD-2-Clause
#include "census/labels_read.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "golang/golabels.h"

int labels_read(struct labelbook *b, const struct addrspace *as, int minor, uint64_t ptr)
{
	struct label_text v[GOLABELS_MAX];
	scoped_mem struct golabel *labels = NULL;
	size_t nr = 0;

	if (!ptr || labelbook__has(b, ptr))
		return 0;
	labels = reallocarray(NULL, GOLABELS_MAX,
			      sizeof(*labels)); /* one set of many: not cleared */
	if (!labels)
		return -ENOMEM;
	if (golabels_read(as, minor, ptr, labels, GOLABELS_MAX, &nr)) {
		labelbook__miss(b, 1);
		nr = 0;
	}
	for (size_t i = 0; i < nr; i++)
		v[i] = (struct label_text){ labels[i].key, labels[i].value };
	return labelbook__put(b, ptr, v, nr);
}
