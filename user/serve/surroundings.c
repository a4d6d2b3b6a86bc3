// SPDX-License-Identifier: BSD-2-Clause
#include "serve/surroundings.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/textbuf.h"
#include "engine/brief.h"
#include "host/kfeat.h"
#include "serve/pods.h"
#include "serve/rights.h"
#include "serve/store.h"

/* What cannot be done, before the reason. */
static const char no_probes[] = "leaks are watched by looks, without probes: ",
		  no_names[] = "names of pods are not known: ",
		  no_labels[] = "labels, nodes and workloads of pods are not known: ",
		  no_pods[] = "it is not known which programs are in pods: ",
		  no_history[] = "no history is on disk: ";

/* --- probes --- */

static bool is_refused(int err)
{
	return err == -EPERM || err == -EACCES;
}

/* Where the capabilities are there, and yet none can be attached. */
static void try_probes(struct surroundings *s)
{
	const struct kfeat *kf = kfeat_for(ATTACH_AUTO);

	if (kf->f[KFEAT_UPROBE_MULTI].ok || kf->f[KFEAT_PERF_LINK].ok || kf->f[KFEAT_PERF_IOCTL].ok)
		return;
	if (is_refused(kf->f[KFEAT_BPF].err) || is_refused(kf->f[KFEAT_UPROBE_MULTI].err))
		(void)cause__set(&s->no_probes, -EPERM,
				 "the kernel refuses BPF programs in spite of CAP_BPF and "
				 "CAP_PERFMON: SELinux or a seccomp profile may. In Kubernetes on "
				 "nodes with "
				 "SELinux use deploy/kubernetes/overlays/selinux");
	else if (is_refused(kf->f[KFEAT_PERF_IOCTL].err))
		(void)cause__set(
			&s->no_probes, -EPERM,
			"Linux before 6.6 attaches probes with CAP_SYS_ADMIN only, and this "
			"one (%s) has no uprobe_multi links. In Kubernetes use "
			"deploy/kubernetes/overlays/old-kernel",
			kf->release);
	else
		(void)cause__set(&s->no_probes, -EOPNOTSUPP, "%s",
				 kf->f[kf->f[KFEAT_BPF].ok ? KFEAT_UPROBE_MULTI : KFEAT_BPF]
					 .why.text);
}

/* --- pods --- */

/* By the control groups of all processes; in a pod of its own node there is one at least: its pause process. */
static bool some_container_is_known(void)
{
	DIR *all = opendir("/proc");
	struct dirent *e;
	bool found = false;

	while (all && !found && (e = readdir(all)))
		found = isdigit((unsigned char)e->d_name[0]) &&
			brief_is_in_container((pid_t)atoi(e->d_name));
	if (all)
		closedir(all);
	return found;
}

static void look_at_pods(struct surroundings *s)
{
	const char *folder = brief_pod_names_folder();

	if (access(folder, R_OK | X_OK))
		(void)cause__set(&s->no_names, -errno,
				 "cannot read %s: %s; mount it from the node, as deploy/kubernetes "
				 "does",
				 folder, strerror(errno));
	if (!rights_is_shut_in() && !some_container_is_known())
		(void)cause__set(&s->no_pods, -ENOENT,
				 "no control group of the node has the id of a container");
}

/* --- the start --- */

void surroundings_look(struct surroundings *s, const struct rights *r)
{
	*s = (struct surroundings){ .in_pod = getenv("KUBERNETES_SERVICE_HOST") };
	if (rights_allow_probes(r))
		try_probes(s);
	if (s->in_pod)
		look_at_pods(s);
}

static void say(const char *what, const struct cause *why)
{
	if (why->text[0])
		log_warn("%s%s", what, why->text);
}

void surroundings_say(const struct surroundings *s)
{
	say(no_probes, &s->no_probes);
	say(no_names, &s->no_names);
	say(no_pods, &s->no_pods);
	say(no_history, &s->no_history);
}

static void put(struct textbuf *to, const char *what, const struct cause *why)
{
	if (why->text[0])
		textbuf__format(to, "%s%s\n", what, why->text);
}

void surroundings_put(const struct surroundings *s, const struct rights *r,
		      const struct store *store, const struct pods *pods, struct textbuf *to)
{
	const int lost = store ? store__counts(store).err : 0;

	if (rights_put_missing(r, to))
		textbuf__text(to, "\n");
	if (rights_is_shut_in())
		textbuf__text(to, RIGHTS_SHUT_IN "\n");
	put(to, no_probes, &s->no_probes);
	put(to, no_names, &s->no_names);
	put(to, no_pods, &s->no_pods);
	put(to, no_labels, &pods->why);
	put(to, no_history, &s->no_history);
	if (lost)
		textbuf__format(to, "history is lost on disk: %s\n", strerror(-lost));
}
