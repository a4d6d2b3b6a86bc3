// SPDX-License-Identifier: BSD-2-Clause
// What the page shows is in its URL, so that it can be sent to somebody. And what it shows comes from the API, asked again and again.
import { useEffect, useState } from "preact/hooks";

const listeners = new Set();
const read = () => Object.fromEntries(new URLSearchParams(location.search));
const tell = () => listeners.forEach((listener) => listener(read()));

window.addEventListener("popstate", tell);

export const url_of = (values) => {
	const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== ""));

	return `/${query.size ? `?${query}` : ""}`;
};

// Changes some values. A step that the Back button should undo is a step.
export function go(change, step = true) {
	const url = url_of({ ...read(), ...change });

	if (url !== location.pathname + location.search)
		history[step ? "pushState" : "replaceState"](null, "", url);
	tell();
}

// Leaves everything but these.
export function go_to(values) {
	history.pushState(null, "", url_of(values));
	tell();
}

export function useUrl() {
	const [values, set] = useState(read);

	useEffect(() => {
		listeners.add(set);
		return () => listeners.delete(set);
	}, []);
	return values;
}

// {status, data}; status 0: nobody answers. data of an error is its text. error: of the sum of an estimate in text; null: none is known
export async function get(path, signal) {
	let answer, text;

	try {
		answer = await fetch(path, { signal });
		text = await answer.text();
	} catch {
		return { status: 0, data: "the daemon does not answer" };
	}
	const type = answer.headers.get("Content-Type") || "";

	try {
		if (type.startsWith("application/jsonl"))
			return { status: answer.status, data: text.split("\n").filter(Boolean).map((line) => JSON.parse(line)) };
		if (type.startsWith("application/json")) {
			const data = JSON.parse(text);

			return { status: answer.status, data: answer.ok ? data : data.error || text };
		}
	} catch {
		return { status: 0, data: "the daemon's answer cannot be read" };
	}
	const interval = /^(\d+) \+- (\d+)$/.exec(answer.headers.get("X-Parkwatch-Interval") || "");

	return { status: answer.status, data: text.trim(), error: interval ? Number(interval[2]) : null };
}

// The newest answer of this path; null: none yet. Asked again every so many seconds while somebody looks at the page; 0: once.
export function usePolled(path, seconds = 10) {
	const [answer, set] = useState({ path, got: null });

	useEffect(() => {
		if (!path)
			return undefined;
		const stop = new AbortController();
		let timer, ended = false;
		const ask = async () => {
			if (!document.hidden || !timer) {
				const got = await get(path, stop.signal);

				if (!ended)
					set({ path, got });
			}
			if (seconds && !ended)
				timer = setTimeout(ask, seconds * 1000);
		};

		ask();
		return () => {
			ended = true;
			clearTimeout(timer);
			stop.abort();
		};
	}, [path, seconds]);
	return answer.path === path ? answer.got : null;
}
