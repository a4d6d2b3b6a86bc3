/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/outfile.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOMEBODY 65534

static char dir[] = "/tmp/parkwatch-outfile-XXXXXX";

static void make_dir(void)
{
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	cr_assert(mkdtemp(dir));
}

static void drop_dir(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	cr_assert_eq(system(cmd), 0);
}

static const char *in_dir(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int files_in_dir(void)
{
	char cmd[128], line[32] = "";
	FILE *f;

	snprintf(cmd, sizeof(cmd), "ls -A %s | wc -l", dir);
	f = popen(cmd, "r");
	cr_assert(f && fgets(line, sizeof(line), f));
	pclose(f);
	return atoi(line);
}

TestSuite(outfile, .init = make_dir, .fini = drop_dir);

Test(outfile, has_its_name_only_after_commit)
{
	struct outfile *o = NULL;
	struct cause why = { "" };
	struct stat st;

	cr_assert_eq(outfile__open(in_dir("r"), 0, &o, &why), 0);
	fputs("text\n", outfile__stream(o));
	cr_expect(stat(in_dir("r"), &st) != 0, "there before commit");
	cr_expect_eq(outfile__commit(o, &why), 0);
	outfile__free(o);
	cr_assert_eq(stat(in_dir("r"), &st), 0);
	cr_expect_eq(st.st_size, 5);
	cr_expect_eq(files_in_dir(), 1);
}

Test(outfile, leaves_nothing_without_commit)
{
	struct outfile *o = NULL;

	cr_assert_eq(outfile__open(in_dir("r"), 0, &o, NULL), 0);
	fputs("half", outfile__stream(o));
	outfile__free(o);
	cr_expect_eq(files_in_dir(), 0);
}

Test(outfile, replaces_the_file_that_a_link_points_to)
{
	struct outfile *o = NULL;
	struct stat st;
	char target[128];

	strcpy(target, in_dir("real"));
	close(open(target, O_CREAT | O_WRONLY, 0644));
	cr_assert_eq(symlink(target, in_dir("link")), 0);
	cr_assert_eq(outfile__open(in_dir("link"), 0, &o, NULL), 0);
	fputs("x", outfile__stream(o));
	cr_expect_eq(outfile__commit(o, NULL), 0);
	outfile__free(o);
	cr_assert_eq(lstat(in_dir("link"), &st), 0);
	cr_expect(S_ISLNK(st.st_mode), "the link was replaced");
	cr_assert_eq(stat(target, &st), 0);
	cr_expect_eq(st.st_size, 1);
}

Test(outfile, writes_to_a_device_in_place)
{
	struct outfile *o = NULL;
	struct stat st;

	cr_assert_eq(outfile__open("/dev/null", 0, &o, NULL), 0);
	fputs("x", outfile__stream(o));
	cr_expect_eq(outfile__commit(o, NULL), 0);
	outfile__free(o);
	cr_assert_eq(stat("/dev/null", &st), 0);
	cr_expect(S_ISCHR(st.st_mode));
}

Test(outfile, says_when_the_disk_is_full)
{
	struct outfile *o = NULL;
	struct cause why = { "" };

	cr_assert_eq(outfile__open("/dev/full", 0, &o, &why), 0);
	fputs("x", outfile__stream(o));
	cr_expect_eq(outfile__commit(o, &why), -ENOSPC);
	cr_expect(strstr(why.text, "/dev/full") && strstr(why.text, "No space left"), "%s",
		  why.text);
	outfile__free(o);
}

Test(outfile, says_where_it_cannot_write)
{
	static const struct {
		const char *why, *path;
		int want;
	} t[] = {
		{ "no such folder", "/proc/none/x", -ENOENT },
		{ "a folder", "/tmp", -EISDIR },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct outfile *o = NULL;
		struct cause why = { "" };

		cr_expect_eq(outfile__open(t[i].path, 0, &o, &why), t[i].want, "%s", t[i].why);
		cr_expect(strstr(why.text, t[i].path), "%s: %s", t[i].why, why.text);
		cr_expect_null(o, "%s", t[i].why);
	}
}

/* Writes "new" to dir/name, as -o would. */
static int written(const char *name, mode_t mode, struct cause *why)
{
	struct outfile *o = NULL;
	int err = outfile__open(in_dir(name), mode, &o, why);

	if (err)
		return err;
	fputs("new", outfile__stream(o));
	err = outfile__commit(o, why);
	outfile__free(o);
	return err;
}

static void put(const char *name, mode_t mode, uid_t owner)
{
	int fd = open(in_dir(name), O_CREAT | O_WRONLY, mode);

	cr_assert(fd >= 0 && write(fd, "before", 6) == 6);
	cr_assert_eq(fchown(fd, owner, owner), 0);
	cr_assert_eq(fchmod(fd, mode), 0);
	close(fd);
}

static void put_link(const char *to, const char *name, uid_t owner)
{
	cr_assert_eq(symlink(to, in_dir(name)), 0);
	cr_assert_eq(lchown(in_dir(name), owner, owner), 0);
}

static struct stat stat_of(const char *name)
{
	struct stat st;

	cr_assert_eq(lstat(in_dir(name), &st), 0, "%s: %s", name, strerror(errno));
	return st;
}

/* Gives a folder away, or its bits to others: only root can. */
static void open_folder(const char *name, mode_t mode, uid_t owner)
{
	if (geteuid())
		cr_skip("needs root");
	cr_assert_eq(chown(in_dir(name), owner, owner), 0);
	cr_assert_eq(chmod(in_dir(name), mode), 0);
}

Test(outfile, does_not_follow_a_link_that_somebody_else_planted)
{
	static const struct {
		const char *why;
		mode_t mode;
		uid_t folder, link;
		const char *to, *path;
		int want;
	} t[] = {
		{ "in a folder like /tmp", 01777, 0, SOMEBODY, "../secret", "d/link", -EACCES },
		{ "of a folder", 01777, 0, SOMEBODY, "..", "d/link/secret", -EACCES },
		{ "to what is not there", 01777, 0, SOMEBODY, "../fresh", "d/link", -EACCES },
		{ "by way of our own", 01777, 0, SOMEBODY, "../secret", "ours", -EACCES },
		{ "in a folder without the sticky bit", 0777, 0, SOMEBODY, "../secret", "d/link",
		  -EACCES },
		{ "in a folder of a group", 0775, 0, SOMEBODY, "../secret", "d/link", -EACCES },
		{ "in their own folder", 0755, SOMEBODY, SOMEBODY, "../secret", "d/link", -EACCES },
		{ "where nobody else may write", 0755, 0, SOMEBODY, "../secret", "d/link", 0 },
		{ "by ourselves", 01777, 0, 0, "../secret", "d/link", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct cause why = { "" };

		drop_dir();
		make_dir();
		cr_assert_eq(mkdir(in_dir("d"), 0755), 0);
		put("secret", 0600, 0);
		put_link(t[i].to, "d/link", t[i].link);
		put_link("d/link", "ours", 0);
		open_folder("d", t[i].mode, t[i].folder);
		cr_expect_eq(written(t[i].path, 0, &why), t[i].want, "%s: %s", t[i].why, why.text);
		cr_expect_eq(stat_of("secret").st_size, t[i].want ? 6 : 3, "%s", t[i].why);
		cr_expect(access(in_dir("fresh"), F_OK), "%s", t[i].why);
		cr_expect_eq(strstr(why.text, "somebody else (uid 65534)") != NULL, t[i].want != 0,
			     "%s: %s", t[i].why, why.text);
	}
}

Test(outfile, takes_of_a_planted_file_only_the_name)
{
	struct cause why = { "" };
	struct stat st;

	cr_assert_eq(mkdir(in_dir("d"), 0755), 0);
	open_folder("d", 01777, 0);
	put("d/file", 0666, SOMEBODY);
	cr_expect_eq(written("d/file", 0, &why), 0, "%s", why.text);
	st = stat_of("d/file");
	cr_expect(st.st_size == 3 && st.st_uid == 0 && (st.st_mode & 07777) == 0600, "%o",
		  st.st_mode);
	cr_assert_eq(mkfifo(in_dir("d/fifo"), 0666), 0);
	cr_assert_eq(chown(in_dir("d/fifo"), SOMEBODY, SOMEBODY), 0);
	cr_expect_eq(written("d/fifo", 0, &why), -EACCES, "it would have waited for a reader");
}

Test(outfile, follows_links_as_the_kernel_does)
{
	struct cause why = { "" };

	cr_assert_eq(mkdir(in_dir("d"), 0755), 0);
	put_link("d/none", "dangling", geteuid());
	cr_expect_eq(written("dangling", 0, &why), 0, "%s", why.text);
	cr_expect_eq(stat_of("d/none").st_size, 3);
	cr_expect(S_ISLNK(stat_of("dangling").st_mode));
	put_link(".././d//../d", "d/round", geteuid());
	cr_expect_eq(written("d/round/two", 0, &why), 0, "%s", why.text);
	cr_expect_eq(stat_of("d/two").st_size, 3);
	put_link("self", "self", geteuid());
	put_link("/", "root", geteuid());
	cr_expect_eq(written("self", 0, &why), -ELOOP);
	cr_expect_eq(written("root", 0, &why), -EISDIR);
	cr_expect_eq(written("d/", 0, &why), -EISDIR);
	cr_expect_eq(written("d/two/x", 0, &why), -ENOTDIR);
	cr_expect_eq(written("none/x", 0, &why), -ENOENT);
}

Test(outfile, writes_to_what_only_the_kernel_can_name)
{
	struct outfile *o = NULL;
	char path[64];
	int fd;

	put("r", 0640, geteuid());
	fd = open(in_dir("r"), O_RDWR);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	cr_assert_eq(outfile__open(path, 0, &o, NULL), 0);
	fputs("new", outfile__stream(o));
	cr_expect_eq(outfile__commit(o, NULL), 0);
	outfile__free(o);
	cr_expect_eq(stat_of("r").st_size, 3);
}

Test(outfile, gives_a_file_the_mode_that_it_should_have)
{
	struct stat st;
	mode_t fresh = geteuid() ? 0640 : 0600;

	umask(027);
	cr_assert_eq(written("new", 0, NULL), 0);
	cr_expect_eq(stat_of("new").st_mode & 07777, fresh, "%o", stat_of("new").st_mode);
	cr_assert_eq(written("asked", 0644, NULL), 0);
	cr_expect_eq(stat_of("asked").st_mode & 07777, 0644);
	put("old", 0604, geteuid() ? geteuid() : SOMEBODY);
	cr_assert_eq(written("old", 0, NULL), 0);
	st = stat_of("old");
	cr_expect(st.st_size == 3 && (st.st_mode & 07777) == 0604, "%o", st.st_mode);
	cr_expect_eq(st.st_uid, geteuid() ? geteuid() : SOMEBODY,
		     "a file that is replaced keeps its owner");
	cr_assert_eq(written("old", 0600, NULL), 0);
	cr_expect_eq(stat_of("old").st_mode & 07777, 0600);
	cr_expect_eq(umask(027), 027, "the umask was changed");
}

/* From here on no file can be made without a name, as on file systems that cannot do it. */
static void forbid_nameless_files(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		_exit(77);
}

/* In a child: opens dir/"r", writes, then commits or is killed. Returns its wait status. */
static int status_of_child(bool nameless, int kill_by)
{
	pid_t pid = fork();
	struct outfile *o = NULL;
	int status = -1;

	if (!pid) {
		if (!nameless)
			forbid_nameless_files();
		if (outfile__open(in_dir("r"), 0, &o, NULL))
			_exit(1);
		fputs("new", outfile__stream(o));
		fflush(outfile__stream(o));
		if (kill_by)
			kill(getpid(), kill_by);
		_exit(outfile__commit(o, NULL) ? 2 : 0);
	}
	waitpid(pid, &status, 0);
	return status;
}

Test(outfile, is_whole_or_not_there_on_every_file_system_and_after_every_signal)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGKILL };

	signal(SIGHUP, SIG_DFL); /* nohup make check */
	signal(SIGINT, SIG_DFL); /* make check & */
	for (int nameless = 0; nameless < 2; nameless++) {
		for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
			cr_expect_eq(WTERMSIG(status_of_child(nameless, signals[i])), signals[i]);
			cr_expect_eq(files_in_dir(), 0, "signal %d left something", signals[i]);
		}
		for (int i = 0; i < 2; i++) {
			int status = status_of_child(nameless, 0);

			cr_expect_eq(status, 0, "nameless %d: %x", nameless, status);
			cr_expect_eq(stat_of("r").st_size, 3);
			cr_expect_eq(files_in_dir(), 1);
		}
		unlink(in_dir("r"));
	}
}

Test(outfile, says_why_though_it_failed_earlier)
{
	struct cause why = { "" };
	struct outfile *o = NULL;

	cr_assert_eq(outfile__open("/dev/full", 0, &o, &why), 0);
	fputc('x', outfile__stream(o));
	cr_expect_neq(fflush(outfile__stream(o)), 0);
	cr_expect_eq(outfile__commit(o, &why), -ENOSPC, "%s", why.text);
	outfile__free(o);
}

Test(outfile, says_when_it_may_not_grow)
{
	struct rlimit one = { 4096, 4096 };
	struct cause why = { "" };
	struct outfile *o = NULL;

	signal(SIGXFSZ, SIG_IGN); /* as cli/begin */
	cr_assert_eq(outfile__open(in_dir("r"), 0, &o, &why), 0);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &one), 0);
	for (int i = 0; i < 5000; i++)
		fputc('x', outfile__stream(o));
	cr_expect_eq(outfile__commit(o, &why), -EFBIG);
	cr_expect(strstr(why.text, "ulimit -f"), "%s", why.text);
	outfile__free(o);
	cr_expect_eq(files_in_dir(), 0);
}
