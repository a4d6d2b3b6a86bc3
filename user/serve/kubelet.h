/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kubelet: the process that asks the kubelet of this node for its pods, once, and ends: GET URL/pods, with the token and the
 * certificates of the pod's service account. The launcher starts one when the supervisor asks for it; it gives up all
 * capabilities before it opens the network, and is bounded in memory and time.
 *
 *	kubelet -> supervisor	a pipe: a struct kubelet_said for each container, then one that says how it ended
 */
#ifndef PARKWATCH_SERVE_KUBELET_H
#define PARKWATCH_SERVE_KUBELET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cause.h"
#include "serve/pod_facts.h"

#define KUBELET_COMMAND                                                                            \
	"kubelet" /* argv[1]; then the URL and "verify" or "insecure"; standard output is the pipe */
#define KUBELET_ACCOUNT   "/var/run/secrets/kubernetes.io/serviceaccount" /* token, ca.crt */
#define KUBELET_ANSWER_MS 10000
#define KUBELET_ALL_S     20 /* after that it is ended, whatever it does */
#define KUBELET_BYTES_MAX (512ULL << 20)

struct kubelet_opts {
	const char *url; /* https://ADDRESS:10250; NULL: it is not asked. Borrowed */
	bool insecure;   /* any certificate will do */
};

enum kubelet_what { KUBELET_CONTAINER, KUBELET_END, KUBELET_FAILED };

struct kubelet_said {
	uint32_t what; /* enum kubelet_what */
	uint32_t pad;
	union {
		struct pod_facts facts; /* of KUBELET_CONTAINER */
		struct cause why;       /* of KUBELET_FAILED */
	};
};

/*
 * Where its pods are asked for: URL/pods. An address of IPv6 gets its brackets, which an environment variable of a pod has not. False: it
 * is too long.
 */
bool kubelet_pods_url(const char *url, char *ret, size_t room);
/* Of the launcher: *ret_fd is the pipe's end. 0 or negative errno. */
int kubelet__start(const struct kubelet_opts *o, int *ret_fd);
/* argv as KUBELET_COMMAND says. The exit status. */
int kubelet_main(int argc, char **argv);

#endif
