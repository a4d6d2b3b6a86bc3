/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * golayout-row FILE MINOR: one row of user/golang/golayout_amd64.c from the DWARF of FILE, on
 * standard output. Called by tools/gen-golayout for each Go version.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf/elf_file.h"
#include "golang/golayout.h"

#define LINE_MAX_COLUMNS 92

/* golayout.c refers to the table; the program that makes it has none. */
const struct golayout_row golayout_amd64[GO_MINORS];

static void print_fields(const char *member, const struct golayout_field *fields,
			 const void *values)
{
	int column = LINE_MAX_COLUMNS;

	printf("\t\t.%s = {", member);
	for (const struct golayout_field *l = fields; l->name; l++) {
		const __s32 *v = (const __s32 *)((const char *)values + l->offset);
		char text[64];

		/* A field with several paths is listed several times, one after the other. */
		if (l != fields && strcmp(l->name, l[-1].name) == 0)
			continue;
		if (*v == PW_NO_FIELD)
			snprintf(text, sizeof(text), ".%s = PW_NO_FIELD,", l->name);
		else
			snprintf(text, sizeof(text), ".%s = %d,", l->name, *v);
		if (column + 1 + (int)strlen(text) > LINE_MAX_COLUMNS) {
			printf("\n\t\t\t");
			column = 24;
		} else {
			column += printf(" ");
		}
		column += printf("%s", text);
	}
	printf("\n\t\t},\n");
}

int main(int argc, char **argv)
{
	scoped(elf_file) f = NULL;
	struct cause why = { "" };
	struct pw_layout lay;
	struct gotables tab = { .md_size = -1 };
	struct goobjects obj = { .hchan_size = -1 };
	int minor, fd;

	if (argc != 3) {
		fprintf(stderr, "usage: golayout-row FILE MINOR\n");
		return 2;
	}
	minor = atoi(argv[2]);
	fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	if (elf_file__open(fd, argv[1], &f, &why) ||
	    golayout_from_dwarf(f, minor, GOLAYOUT_DWARF_MAX, &lay, &tab, &obj, &why) ||
	    tab.md_size < 0 || obj.hchan_size < 0) {
		fprintf(stderr, "golayout-row: %s: %s\n", argv[1],
			why.text[0] ? why.text : "not all structs are in its debug information");
		return 1;
	}
	printf("\t[%d - GO_MINOR_MIN] = {\n\t\t.minor = %d,\n", minor, minor);
	print_fields("layout", golayout_fields, &lay);
	print_fields("tables", gotables_fields, &tab);
	print_fields("objects", goobjects_fields, &obj);
	printf("\t},\n");
	close(fd);
	return 0;
}
