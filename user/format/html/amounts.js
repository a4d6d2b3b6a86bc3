// SPDX-License-Identifier: BSD-2-Clause
// Amounts as text: nanoseconds and bytes with four digits and a unit.
export function duration(ns) {
	const units = [["h", 3.6e12], ["min", 6e10], ["s", 1e9], ["ms", 1e6], ["µs", 1e3]];

	for (const [name, size] of units)
		if (ns >= size)
			return `${Number((ns / size).toPrecision(4)).toLocaleString("en")} ${name}`;
	return `${ns} ns`;
}

export function memory(bytes) {
	const units = [["TiB", 2 ** 40], ["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]];

	for (const [name, size] of units)
		if (bytes >= size)
			return `${Number((bytes / size).toPrecision(4)).toLocaleString("en")} ${name}`;
	return `${bytes} B`;
}
