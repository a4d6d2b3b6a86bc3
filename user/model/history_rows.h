/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * history_rows: the rows of a history (model/history) and the texts of their sites, each text once.
 *
 * A row is found by what it is, and known by a number from 0. It is kept while it is marked as used,
 * or a closed cell has it (ref, unref); history_rows__sweep() frees the others, and their texts. At
 * most HISTORY_ROWS_MAX. Not thread-safe.
 */
#ifndef PARKWATCH_MODEL_HISTORY_ROWS_H
#define PARKWATCH_MODEL_HISTORY_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "golang/gostate.h"

struct history_rows;
int history_rows__new(struct history_rows **ret); /* 0 or -ENOMEM */
void history_rows__free(struct history_rows *r);

/* The row of such goroutines; HISTORY_OTHER: there is no room. */
uint32_t history_rows__of(struct history_rows *r, const char *made, const char *blocked,
			  enum gostate state);
void history_rows__ref(struct history_rows *r, uint32_t row);
void history_rows__unref(struct history_rows *r, uint32_t row);
/* is_used: the row is kept though no closed cell has it. */
void history_rows__sweep(struct history_rows *r, bool (*is_used)(const void *ctx, uint32_t row),
			 const void *ctx);

/* false: there is none. Texts are borrowed until the row is freed. */
bool history_rows__about(const struct history_rows *r, uint32_t row, const char **ret_made,
			 const char **ret_blocked, enum gostate *ret_state);
/* A mark of the caller, false at first, as long as the row lives. NULL: there is none. */
bool *history_rows__mark(struct history_rows *r, uint32_t row);

size_t
history_rows__end(const struct history_rows *r); /* no row has this number, or a higher one */
size_t history_rows__nr(const struct history_rows *r);
size_t history_rows__sites(const struct history_rows *r);
size_t history_rows__bytes(const struct history_rows *r);

#endif
