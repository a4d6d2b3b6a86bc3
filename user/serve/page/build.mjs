// SPDX-License-Identifier: BSD-2-Clause
// Bundles the page of `parkwatch serve`: node build.mjs OUT, in a folder of format/html's copy, whose packages and modules it shares (pages.mk).
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { buildSync } from "esbuild";
import { licences } from "../licences.mjs";

const out = process.argv[2];
const bundle = buildSync({
	entryPoints: { app: "app.jsx" },
	bundle: true,
	write: false,
	outdir: "out",
	minify: true,
	keepNames: true,	// d3-flame-graph asks for the name of a class of d3-hierarchy
	legalComments: "none",	// all licences are in licences.txt
	charset: "utf8",
	target: "es2020",
	format: "iife",
	jsx: "automatic",
	jsxImportSource: "preact",
	metafile: true,
});
const write = (name, text) => writeFileSync(`${out}/${name}`, text);

let index = readFileSync("index.html", "utf8");
for (const suffix of ["js", "css"]) {
	const { text } = bundle.outputFiles.find((f) => f.path.endsWith(suffix));

	write(`app.${suffix}`, text);
	// a browser keeps both: what another build serves has another address
	index = index.replace(`/app.${suffix}"`, `/app.${suffix}?v=${createHash("sha256").update(text).digest("hex").slice(0, 12)}"`);
}
write("index.html", index);
write("licences.txt", licences(bundle.metafile));
