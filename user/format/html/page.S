/* SPDX-License-Identifier: BSD-2-Clause */
/* The built page as data; html.c finds it by these two names. */
	.section .rodata
	.global html_page, html_page_end
html_page:
	.incbin "user/format/html/built/page.html"
html_page_end:
	.byte 0
	.section .note.GNU-stack, "", @progbits
