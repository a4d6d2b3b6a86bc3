// SPDX-License-Identifier: BSD-2-Clause
// Figures and places as text.
export { duration, memory } from "../amounts.js";
import { duration } from "../amounts.js";

export const NOT_KNOWN = "–";

export function number(n) {
	return n === null || n === undefined ? NOT_KNOWN : Number(n.toFixed(n % 1 && Math.abs(n) < 100 ? 1 : 0)).toLocaleString("en");
}

export const count = (n, one, many = `${one}s`) => `${number(n)} ${n === 1 ? one : many}`;

// Seconds that somebody has waited: "2 h 10 min"
export function long(seconds) {
	if (seconds === null || seconds === undefined)
		return NOT_KNOWN;
	const units = [["d", 86400, "h", 3600], ["h", 3600, "min", 60], ["min", 60, "s", 1]];

	for (const [name, size, next, part] of units)
		if (seconds >= size) {
			const rest = Math.floor((seconds % size) / part);

			return `${Math.floor(seconds / size)} ${name}${rest ? ` ${rest} ${next}` : ""}`;
		}
	return seconds >= 10 ? `${Math.floor(seconds)} s` : duration(Math.round(seconds * 1e9));
}

const two = (n) => String(n).padStart(2, "0");

// A moment of the clock on the wall, here where the page is read.
export function clock(unix, seconds = true) {
	const t = new Date(unix * 1000);

	return `${two(t.getHours())}:${two(t.getMinutes())}${seconds ? `:${two(t.getSeconds())}` : ""}`;
}

export function stamp(unix) {
	const t = new Date(unix * 1000);

	return `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())} ${clock(unix)}`;
}

export const moment = (unix) => (new Date().toDateString() === new Date(unix * 1000).toDateString() ? clock(unix) : stamp(unix));

// Seconds since 1970 of "2026-11-30 03:10", or of "03:10": the last one; null: it is neither.
export function unix(text) {
	const [, day, time] = /^\s*(?:(\d{4}-\d\d-\d\d)[ T])?(\d\d:\d\d(?::\d\d)?)\s*$/.exec(text) || [];
	const of = (date) => Math.floor(new Date(`${date}T${time}`).getTime() / 1000), now = Date.now() / 1000;

	if (!time || Number.isNaN(of(day || "2000-01-01")))
		return null;
	if (day)
		return of(day);
	const today = of(stamp(now).slice(0, 10));

	return today <= now ? today : of(stamp(now - 86400).slice(0, 10));
}

export const range = (from, to) => `${moment(from)} to ${moment(to)} (${long(to - from)})`;

// The API has places as text, or as {func, file, line}.
export function place(at) {
	if (!at)
		return NOT_KNOWN;
	return typeof at === "string" ? at : `${at.func || "?"}${at.file ? ` ${short(at.file)}:${at.line}` : ""}`;
}

// The end of a path says most.
export const short = (file) => file.split("/").slice(-2).join("/");
export const base = (path) => (path || "").split("/").pop();
