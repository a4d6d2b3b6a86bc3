/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gotypes: the types of a Go program by their descriptors, each taken apart once: what kind it is,
 * its size, its fields, its full name; and those of a name.
 *
 * A descriptor is there for each type of which a value, or a pointer to one, was ever put into an
 * interface; stripping does not take it out. All types are listed by typelinks up to Go 1.26; in
 * 1.27 they lie one behind the other. Source: Go internal/abi/type.go, runtime/type.go,
 * runtime/symtab.go, Go 1.15 to 1.27. Types that reflect makes at run time are in no module, and
 * not found. Descriptors do not change: they are read through a cache. They are the target's, so
 * all is bounded: GOTYPES_MAX types are kept, fields in fields are followed to GOFIELDS_DEPTH_MAX.
 * Not thread-safe.
 */
#ifndef PARKWATCH_GOLANG_GOTYPES_H
#define PARKWATCH_GOLANG_GOTYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "base/cleanup.h"
#include "golang/goruntime.h"

#define GOTYPES_MAX        65536u   /* types that are kept */
#define GOTYPES_LISTED_MAX 1000000u /* that a program has */
#define GOTYPES_FIND_MAX   64u      /* names of one gotypes__find() */

/* Go internal/abi/type.go Kind; what is not here holds no pointer and is no larger than 16 bytes. */
enum gokind {
	GOKIND_BOOL = 1,
	GOKIND_ARRAY = 17,
	GOKIND_CHAN = 18,
	GOKIND_FUNC = 19,
	GOKIND_INTERFACE = 20,
	GOKIND_MAP = 21,
	GOKIND_POINTER = 22,
	GOKIND_SLICE = 23,
	GOKIND_STRING = 24,
	GOKIND_STRUCT = 25,
	GOKIND_UNSAFE_POINTER = 26,
};

struct gotype; /* lives as long as the gotypes */

struct gofield {
	const char *name;
	const struct gotype *type;
	uint64_t offset;
	bool embedded;
};

struct gotype {
	uint64_t addr, size, ptr_bytes; /* ptr_bytes: behind these it has no pointers */
	uint64_t elem;                  /* address of the element's type; 0: it has none */
	uint64_t len;                   /* of an array; methods of an interface */
	uint64_t fields_at;             /* of a struct */
	uint32_t nr_fields;
	uint32_t hash;
	uint32_t id;  /* below GOTYPES_MAX, no other type has it */
	uint8_t kind; /* enum gokind */
	uint8_t align;
	bool named;
	bool direct;         /* an interface has the value itself, no pointer to it */
	bool fields_read;    /* the next is there, or cannot be */
	struct gofield *own; /* nr_fields, or NULL */
};

struct gotypes;
/* as, rt: borrowed until free. -EOPNOTSUPP: a Go that is not known; -EFAULT, -ESRCH, -ENOMEM. */
int gotypes__new(const struct addrspace *as, const struct goruntime *rt, struct gotypes **ret);
void gotypes__free(struct gotypes *ts);
DEFINE_SCOPED(gotypes)

/* For who keeps it: gives back the memory of what is read again when it is asked for. */
void gotypes__trim(struct gotypes *ts);
/* Half of GOTYPES_MAX addresses were asked for: who keeps it should take a new one. */
bool gotypes__is_half_full(const struct gotypes *ts);

/* The descriptor at addr; NULL: there is none, or it cannot be read, or there are too many. */
const struct gotype *gotypes__at(struct gotypes *ts, uint64_t addr);
/* What it points to, or has. NULL: nothing. */
const struct gotype *gotypes__elem(struct gotypes *ts, const struct gotype *t);
/* nr_fields of a struct; NULL: it is none, or they cannot be read. */
const struct gofield *gotypes__fields(struct gotypes *ts, const struct gotype *t);
/* By name, its own or those of structs that it embeds; *ret_offset: in t. NULL: there is none. */
const struct gofield *gotypes__field(struct gotypes *ts, const struct gotype *t, const char *name,
				     uint64_t *ret_offset);
/* "net/http.Request", "*main.job"; "" where nothing can be made out. */
void gotypes__name(struct gotypes *ts, const struct gotype *t, char *buf, size_t size);

/*
 * The named types that are called so ("net/http.Request", no pointers), at most GOTYPES_FIND_MAX,
 * in one pass over all types of the program itself; ret[i] NULL: there is none. 0, or an error of
 * reading the list.
 */
int gotypes__find(struct gotypes *ts, const char *const *names, size_t nr,
		  const struct gotype **ret);

#endif
