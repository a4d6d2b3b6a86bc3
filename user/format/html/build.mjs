// SPDX-License-Identifier: BSD-2-Clause
// Bundles page.js with its packages and puts it, the style and the licences into page.html: node build.mjs OUT
// The report itself is put in by parkwatch, at @PARKWATCH_REPORT@.
import { readFileSync, writeFileSync } from "node:fs";
import { buildSync } from "esbuild";
import { licences } from "./licences.mjs";

const bundle = buildSync({
	entryPoints: ["page.js"],
	bundle: true,
	write: false,
	outdir: "out",
	minify: true,
	keepNames: true,	// d3-flame-graph asks for the name of a class of d3-hierarchy
	legalComments: "none",	// all licences stand in the page
	charset: "utf8",
	target: "es2020",
	format: "iife",
	metafile: true,
	loader: { ".css": "empty" },	// the packages' own style: page.css has ours
});

const escape = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const parts = {
	PAGE_CSS: readFileSync("page.css", "utf8"),
	PAGE_JS: bundle.outputFiles.find((f) => f.path.endsWith(".js")).text,
	PAGE_LICENCES: escape(licences(bundle.metafile)),
};
const page = readFileSync("page.html", "utf8").replace(/@(PAGE_[A-Z]+)@/g, (_, name) => parts[name]);

if (page.split("@PARKWATCH_REPORT@").length !== 2)
	throw new Error("the page must have one place for the report");
writeFileSync(process.argv[2], page);
