/* SPDX-License-Identifier: BSD-2-Clause */
#include <bpf/libbpf.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#include "base/build_id.h"
#include "base/cleanup.h"
#include "base/json_writer.h"
#include "cli/begin.h"
#include "cli/commands.h"
#include "facts/pw_file.h"
#include "format/format.h"
#include "golang/gofacts.h"
#include "serve/curl.h"

#ifdef PARKWATCH_STATIC
#define LINKED "static"
#else
#define LINKED "dynamic"
#endif

/* What a build, or the libraries that it finds, can lack. What the kernel lacks is told by doctor. */
struct feature {
	const char *name;
	bool there;
	char what[80]; /* it is made of, or why it is not there */
};

struct about {
	char build_id[BUILD_ID_MAX], recordings[16], go_first[16], go_last[16], libbpf[24];
	struct feature features[2];
};

/* Itself and its TLS, of all that libcurl says of itself. */
static size_t two_words(const char *text)
{
	const size_t first = strcspn(text, " ");

	return text[first] ? first + 1 + strcspn(text + first + 1, " ") : first;
}

static void about__find(struct about *a)
{
	struct feature *https = &a->features[0], *sinks = &a->features[1];
	const char *curl = curl_library();

	own_build_id(a->build_id);
	snprintf(a->recordings, sizeof(a->recordings), "%d.%d", PW_FILE_MAJOR, PW_FILE_MINOR);
	snprintf(a->go_first, sizeof(a->go_first), "1.%d", GO_MINOR_MIN);
	snprintf(a->go_last, sizeof(a->go_last), "1.%d", GO_MINOR_MAX);
	https->name = "https";
	https->there = MHD_is_feature_supported(MHD_FEATURE_TLS) == MHD_YES;
	snprintf(https->what, sizeof(https->what), "libmicrohttpd %s%s", MHD_get_version(),
		 https->there ? "" : " has no TLS");
	sinks->name = "sinks";
	sinks->there = curl;
	snprintf(sinks->what, sizeof(sinks->what), "%.*s", curl ? (int)two_words(curl) : -1,
		 curl ? curl : "libcurl4 is not installed");
	snprintf(a->libbpf, sizeof(a->libbpf), "%u.%u", libbpf_major_version(),
		 libbpf_minor_version());
}

static void about__text(const struct about *a)
{
	printf("parkwatch " PARKWATCH_VERSION "\n");
	printf("build id    %s\n", a->build_id[0] ? a->build_id : "none");
	printf("linked      " LINKED "\n");
	printf("go          %s to %s\n", a->go_first, a->go_last);
	printf("recordings  %s\n", a->recordings);
	printf("formats    ");
	for (size_t i = 0; format_at(i); i++)
		printf(" %s", format_at(i)->name);
	printf("\nlibbpf      %s\n", a->libbpf);
	for (size_t i = 0; i < ARRAY_SIZE(a->features); i++)
		printf("%-11s %-3s %s\n", a->features[i].name, a->features[i].there ? "yes" : "no",
		       a->features[i].what);
}

static void about__json(const struct about *a, struct json_writer *w)
{
	jsonw_start_object(w);
	jsonw_string_field(w, "version", PARKWATCH_VERSION);
	jsonw_string_field(w, "build_id", a->build_id[0] ? a->build_id : NULL);
	jsonw_string_field(w, "linked", LINKED);
	jsonw_string_field(w, "go_first", a->go_first);
	jsonw_string_field(w, "go_last", a->go_last);
	jsonw_string_field(w, "recordings", a->recordings);
	jsonw_name(w, "formats");
	jsonw_start_array(w);
	for (size_t i = 0; format_at(i); i++)
		jsonw_string(w, format_at(i)->name);
	jsonw_end_array(w);
	jsonw_string_field(w, "libbpf", a->libbpf);
	jsonw_name(w, "features");
	jsonw_start_object(w);
	for (size_t i = 0; i < ARRAY_SIZE(a->features); i++) {
		jsonw_name(w, a->features[i].name);
		jsonw_start_object(w);
		jsonw_bool_field(w, "there", a->features[i].there);
		jsonw_string_field(w, "what", a->features[i].what);
		jsonw_end_object(w);
	}
	jsonw_end_object(w);
	jsonw_end_object(w);
	jsonw_end(w);
}

int cmd_version(const struct opts *o)
{
	struct json_writer w;
	struct textbuf to;
	struct about a;

	about__find(&a);
	if (o->version_format == VERSION_TEXT) {
		about__text(&a);
		return end_of_print(0);
	}
	textbuf__init(&to, stdout);
	jsonw_init(&w, &to);
	about__json(&a, &w);
	(void)textbuf__finish(&to);
	textbuf__done(&to);
	return end_of_print(0);
}
