// SPDX-License-Identifier: BSD-2-Clause
// Small parts that several views have.
import { go } from "./state.js";
import { NOT_KNOWN, short } from "./words.js";

// Text of a target: of any length and any direction of writing.
export function Text({ children, lines = 2 }) {
	return <span class={`text clip${lines}`} title={String(children).slice(0, 2000)}>{children}</span>;
}

export function Place({ at }) {
	if (!at)
		return <span class="soft">{NOT_KNOWN}</span>;
	if (typeof at === "string")
		return <Text>{at}</Text>;
	return (
		<span class="place">
			<Text>{at.func || "?"}</Text>
			{at.file && <span class="text soft" title={`${at.file}:${at.line}`}> {short(at.file)}:{at.line}</span>}
		</span>
	);
}

export function Stack({ frames }) {
	return (
		<ol class="stack">
			{frames.map((f, i) => (
				<li key={i} class={f.func.startsWith("runtime.") ? "soft" : ""}>
					<span class="text">{f.func}</span> <span class="text soft">{f.file}:{f.line}</span>
				</li>
			))}
		</ol>
	);
}

// A line without axes: how something went. Values may be null: not known then.
export function Spark({ values, label, width = 90, height = 22 }) {
	const known = (values || []).filter((v) => v !== null && v !== undefined);

	if (known.length < 2)
		return <svg class="spark" width={width} height={height} role="img" aria-label={`${label}: not known yet`} />;
	const most = Math.max(...known), least = Math.min(0, ...known), span = most - least || 1;
	const x = (i) => ((i / (values.length - 1)) * (width - 2) + 1).toFixed(1);
	const y = (v) => (height - 2 - ((v - least) / span) * (height - 4)).toFixed(1);
	const points = values.map((v, i) => (v === null || v === undefined ? null : `${x(i)},${y(v)}`)).filter(Boolean);

	return (
		<svg class="spark" width={width} height={height} role="img" aria-label={`${label}: from ${known[0]} to ${known.at(-1)}`}>
			<polyline points={points.join(" ")} />
		</svg>
	);
}

// What to say while there is nothing to show: nothing asked yet, nothing known yet, or it failed.
export function Nothing({ got, what }) {
	if (!got)
		return <p class="soft">Loading.</p>;
	if (got.status === 404 || got.status === 503)
		return <p class="soft" data-nothing>{what}: not known yet{typeof got.data === "string" && got.data ? ` (${got.data})` : ""}.</p>;
	return <p class="bad" data-nothing>{what}: {String(got.data)}</p>;
}

export function Choice({ values, now, choose, label }) {
	return (
		<span class="choice" role="group" aria-label={label}>
			{values.map(([value, text, title]) => (
				<button type="button" key={value} title={title} aria-pressed={value === now} onClick={() => choose(value)}>{text}</button>
			))}
		</span>
	);
}

// of: [name in the URL, label, an example].
export function Filters({ of, url }) {
	return (
		<form class="filters" onSubmit={(e) => e.preventDefault()}>
			{of.map(([name, label, hint]) => (
				<label key={name}>{label}
					<input name={name} value={url[name] || ""} placeholder={hint} maxLength={256} spellcheck={false} autocomplete="off" onChange={(e) => go({ [name]: e.target.value }, false)} />
				</label>
			))}
			<button type="button" onClick={() => go(Object.fromEntries(of.map(([name]) => [name, ""])))}>clear</button>
		</form>
	);
}
