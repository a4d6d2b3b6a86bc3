// SPDX-License-Identifier: BSD-2-Clause
// Frames of a flame graph: their colour, and how one is looked for. d.n: name, d.v: value; of a difference d.a: the later one's part of it.

// One hue a package; words in brackets are blue, what only joins things is grey. Of a difference: red grew, blue shrank.
export function colour(node, diff) {
	const name = node.data.n;
	let hash = 0;

	if (node.highlight)
		return "#e879f9";
	if (!node.parent)
		return "#b6bcc8";
	if (diff) {
		const part = (2 * node.data.a - node.data.v) / (node.data.v || 1); // -1: gone, 1: new

		return `hsl(${part < 0 ? 215 : 5} ${Math.round(90 * Math.abs(part))}% ${Math.round(88 - 26 * Math.abs(part))}%)`;
	}
	if (name.startsWith("["))
		return name.startsWith("[go ") ? "#8fd3a8" : "#8fb8f0";
	const slash = name.lastIndexOf("/");
	const dot = name.indexOf(".", slash + 1);
	const pkg = dot > 0 ? name.slice(0, dot) : name;
	if (pkg === "runtime")
		return "#c3b8b0";
	for (const c of pkg)
		hash = (hash * 31 + c.codePointAt(0)) >>> 0;
	return `hsl(${10 + (hash % 45)} ${60 + (hash % 7) * 4}% ${64 + ((hash >>> 8) % 5) * 2}%)`;
}

// What is typed is looked for as it is, since names are full of brackets; between slashes it is a regular expression.
export function matcher(term) {
	const low = term.toLowerCase();

	if (term.length > 2 && term.startsWith("/") && term.endsWith("/")) {
		try {
			const re = new RegExp(term.slice(1, -1), "i");

			return (name) => re.test(name);
		} catch {
			return () => false;
		}
	}
	return (name) => name.toLowerCase().includes(low);
}
