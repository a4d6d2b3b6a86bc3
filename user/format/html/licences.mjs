// SPDX-License-Identifier: BSD-2-Clause
// The licences of all packages that are in a bundle of esbuild, as text.
import { readFileSync, readdirSync } from "node:fs";

export function licences(metafile) {
	const packages = new Set();

	for (const path of Object.keys(metafile.inputs)) {
		const found = /(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path);

		if (found)
			packages.add(found[1]);
	}
	return [...packages].sort().map((dir) => {
		const { name, version, license } = JSON.parse(readFileSync(`${dir}/package.json`, "utf8"));
		const file = readdirSync(dir).find((f) => /^licen[cs]e/i.test(f));
		const text = readFileSync(`${dir}/${file}`, "utf8").trim();

		return `${name} ${version} (${license})\n\n${text}\n`;
	}).join("\n\n");
}
