/* SPDX-License-Identifier: BSD-2-Clause */
/* The built files of the page as data; page.c finds them by these names. */
	.macro file name, path
	.global \name, \name\()_end
\name:
	.incbin "\path"
\name\()_end:
	.byte 0
	.endm

	.section .rodata
	file page_index, "user/serve/page/built/index.html"
	file page_script, "serve/app.js.gz"
	file page_style, "serve/app.css.gz"
	file page_icon, "user/serve/page/icon.svg"
	file page_openapi, "user/serve/openapi.json"
	file page_licences, "serve/licences.txt.gz"
	.section .note.GNU-stack, "", @progbits
