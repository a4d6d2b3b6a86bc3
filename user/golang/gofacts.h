/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gofacts: every fact of Go's runtime that depends on the minor release and is no offset of a field
 * (those: golayout). One row a release, in gofacts.c; no other file compares a minor release with a
 * number (tools/check-rooms holds that). A new Go release is a new row here and a new row of
 * golayout's tables.
 */
#ifndef PARKWATCH_GOLANG_GOFACTS_H
#define PARKWATCH_GOLANG_GOFACTS_H

#include <stdbool.h>
#include <stdint.h>

#define GO_MINOR_MIN 15
#define GO_MINOR_MAX 27 /* newest that the tables know */
#define GO_MINORS    (GO_MINOR_MAX - GO_MINOR_MIN + 1)

/*
 * What a release has that those before have not. Each ends with the release that brought it, and
 * where that stands in Go.
 */
enum go_fact {
	/*
	 * names in pclntab lie in a table of their own, each once; 1.16 runtime/symtab.go
	 * moduledata.funcnametab
	 */
	GO_NAMES_APART = 1u << 0,
	/*
	 * a traceback judges an inlined frame by the inlined function's name; 1.16
	 * runtime/traceback.go
	 */
	GO_INLINED_NAMES = 1u << 1,
	/* (*mcache).allocLarge; before it is largeAlloc, no method; 1.16 runtime/mcache.go */
	GO_ALLOC_LARGE = 1u << 2,
	/* there is a size class of 24 bytes; 1.16 runtime/sizeclasses.go */
	GO_CLASS_24 = 1u << 3,
	/* amd64: arguments in registers, g in r14; 1.17 cmd/compile/abi-internal.md */
	GO_REGABI = 1u << 4,
	/*
	 * a goroutine counts how often it has stopped running: g.trackingSeq; 1.17 runtime/proc.go
	 * casgstatus
	 */
	GO_RUNS_COUNTED = 1u << 5,
	/*
	 * the length of a type's name is a varint; before it is 2 bytes, the high one first; 1.17
	 * reflect/type.go name.readVarint
	 */
	GO_NAME_VARINT = 1u << 6,
	/*
	 * a stack object's size stands in its record; before its type does; 1.17 runtime/stack.go
	 * stackObjectRecord
	 */
	GO_STACK_OBJECT_SIZES = 1u << 7,
	/* _defer has no arguments behind it; 1.18 runtime/runtime2.go */
	GO_DEFER_BARE = 1u << 8,
	/*
	 * of a WaitGroup the semaphore comes last; before it is whichever word makes the others lie
	 * at 8; 1.18 sync/waitgroup.go
	 */
	GO_WAITGROUP_FIXED = 1u << 9,
	/*
	 * StructField.Offset is the offset; before it is twice that, and 1 if embedded; 1.19
	 * internal/abi/type.go
	 */
	GO_PLAIN_OFFSETS = 1u << 10,
	/* g.parentGoid; 1.21 runtime/runtime2.go */
	GO_PARENT_GOID = 1u << 11,
	/*
	 * name offset 0 means no name for inlined calls too; 1.21 runtime/symtab.go
	 * (*moduledata).funcName
	 */
	GO_NAMELESS_INLINED = 1u << 12,
	/*
	 * the caller of asyncPreempt and debugCallV is taken at its very pc; 1.21
	 * runtime/traceback.go (*unwinder).symPC
	 */
	GO_INJECTED_CALLS = 1u << 13,
	/* gdestroy; before its body is in goexit0; 1.22 runtime/proc.go */
	GO_GDESTROY = 1u << 14,
	/*
	 * objects over 512 bytes that have pointers begin with a header of 8, mspan.nelems is 16
	 * bits; 1.22 runtime/mbitmap.go
	 */
	GO_HEAP_HEADERS = 1u << 15,
	/* _defer has rangefunc and no openDefer; 1.22 runtime/runtime2.go */
	GO_DEFER_RANGE = 1u << 16,
	/*
	 * a timer's channel leads to it: hchan.timer, timeTimer; a timer has no status; 1.23
	 * runtime/time.go
	 */
	GO_CHAN_TIMERS = 1u << 17,
	/* a special of weak handles; 1.23 runtime/mheap.go */
	GO_SPECIAL_WEAK = 1u << 18,
	/*
	 * a traceback shows methods of the runtime whose type is exported; 1.23
	 * runtime/traceback.go isExportedRuntime
	 */
	GO_EXPORTED_METHODS = 1u << 19,
	/* labels are a sorted list; before a map; 1.24 runtime/pprof/label.go */
	GO_LABEL_LIST = 1u << 20,
	/* special.offset is a uintptr; before 16 bits; 1.24 runtime/mheap.go */
	GO_SPECIAL_WIDE = 1u << 21,
	/* a special of tiny blocks, before all others; 1.25 runtime/mheap.go */
	GO_SPECIAL_TINY = 1u << 22,
	/* a traceback shows runFinalizers and runCleanups; 1.25 runtime/traceback.go */
	GO_SHOWS_CLEANUPS = 1u << 23,
	/* the highest bit of a WaitGroup's waiters says synctest; 1.25 sync/waitgroup.go */
	GO_WAITGROUP_BUBBLE = 1u << 24,
	/* _Gleaked, _Gdeadextra; 1.26 runtime/runtime2.go */
	GO_LEAKED = 1u << 25,
	/* runtime/secret; 1.26 */
	GO_SECRETS = 1u << 26,
	/* the collector's queues of spans are rings; 1.26 runtime/mgcwork.go spanQueue */
	GO_SPAN_RINGS = 1u << 27,
	/* mallocgc has variants for each size class; 1.26 runtime/malloc_generated.go */
	GO_MALLOC_SIZED = 1u << 28,
	/* GODEBUG asynctimerchan is no more; 1.27 */
	GO_TIMERS_ALWAYS_TOLD = 1u << 29,
	/* stacks of the block and mutex profiles are walked by frame pointers, wrappers too; 1.23 runtime/mprof.go */
	GO_CONTENTION_HAS_WRAPPERS = 1u << 30,
	/* syscall.Syscall has a frame; before it is assembler without one; 1.19 syscall/syscall_linux.go */
	GO_SYSCALL_FRAMED = 1u << 31,
	/* arm64: arguments in registers; 1.18 cmd/compile/abi-internal.md */
	GO_REGABI_ARM64 = 1ull << 32,
	/* arm64: frame pointers of a stack that is moved are moved, too; 1.21 runtime/stack.go adjustframe */
	GO_FRAMES_MOVE = 1ull << 33,
};

/* Numberings of wait reasons: gowait has them. */
enum go_waits { GO_WAITS_15, GO_WAITS_20, GO_WAITS_24, GO_WAITS_25, GO_WAITS_26 };

/* One minor release. */
struct gofacts {
	uint16_t minor;
	/* its first word; internal/abi/symtab.go, debug/gosym/pclntab.go */
	uint32_t pclntab_magic;
	uint8_t funcdata_stackobjects; /* FUNCDATA_StackObjects; internal/abi/symtab.go */
	uint8_t funcdata_inltree;      /* FUNCDATA_InlTree */
	uint8_t funcdata_opencoded;    /* FUNCDATA_OpenCodedDeferInfo */
	/* funcID of wrappers; cmd/internal/objabi/funcid.go, later internal/abi/symtab.go */
	uint8_t funcid_wrapper;
	uint8_t stackobject_bytes;    /* of one stackObjectRecord; runtime/stack.go */
	uint16_t md_types, md_etypes; /* offsets in moduledata; runtime/symtab.go */
	/*
	 * in moduledata: []int32 of types; 0: they lie in a run of moduledata.typedesclen bytes; 0:
	 * there is none
	 */
	uint16_t md_typelinks, md_typedesclen;
	uint16_t md_rodata; /* in moduledata, what masks of stack objects count from; 0: nothing */
	uint8_t maptype_bytes; /* internal/abi/type.go, map_swiss.go: of a map's descriptor */
	/* where in a map's descriptor the bytes from slot to slot stand; 0: it has buckets */
	uint8_t maptype_stride;
	uint8_t type_direct; /* the byte of a descriptor whose bit 32 says KindDirectIface */
	enum go_waits waits;
	uint8_t nr_waits; /* reasons that there are; runtime/runtime2.go */
	uint64_t has;     /* enum go_fact */
};

/* Of a release newer than the newest, or older than the oldest: that one's. Never NULL. */
const struct gofacts *gofacts_of(int minor);

bool gofacts_has(int minor, enum go_fact fact);

/* Older than the oldest, newer than the newest that there is a row of. */
bool gofacts_too_old(int minor);
bool gofacts_too_new(int minor);

#endif
