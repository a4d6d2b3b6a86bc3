// SPDX-License-Identifier: BSD-2-Clause
// The goroutines of the last look, with dump's filters: each one, or groups.
import { useState } from "preact/hooks";
import { Choice, Filters, Nothing, Place, Stack, Text } from "./parts.jsx";
import { go, url_of, usePolled } from "./state.js";
import { NOT_KNOWN, count, long, number } from "./words.js";

export const FILTERS = [
	["func", "function on the stack", "regular expression, as ^main\\."], ["created-by", "created by", "regular expression"], ["wait", "waits for", "chan*, select, sleep"],
	["older", "for at least", "30s, 2m, 1h"], ["state", "state", "waiting, running, runnable, syscall"], ["label", "label", "key=value, or key"],
	["goid", "goid", "18,19"], ["trace_id", "trace id", "its first digits"], ["not", "without", "func=^net/http"],
];
const GROUPS = [["", "each", "one line a goroutine"], ["stack", "by stack"], ["site", "by creation site"], ["wait", "by wait"], ["object", "by what they wait for"], ["label", "by labels"]];
const FIRST = 200;

const LIBRARY = /^(runtime|sync|internal|time|net|syscall|io|bufio|context|reflect|os)[./]/;

// Where a person looks first: the innermost frame that is no part of Go's own library.
export const own_frame = (stack) => stack.find((f) => !LIBRARY.test(f.func)) || stack.find((f) => !f.func.startsWith("runtime.")) || stack[0];

// The path of the API for what the URL asks.
export function path_of(id, url, extra = {}) {
	const query = new URLSearchParams();

	for (const [name] of FILTERS)
		if (url[name])
			query.append(name, url[name]);
	for (const [name, value] of Object.entries(extra))
		query.append(name, value);
	return `/api/v1/targets/${id}/goroutines${query.size ? `?${query}` : ""}`;
}

// Of very many the daemon needs a while: they are asked for once.
export const again = (target) => (target.goroutines > 50000 ? 0 : 10);

const seconds = (ns) => (ns === null || ns === undefined ? null : ns / 1e9);

function Objects({ of }) {
	return (
		<ul>{of.map((o, i) => <li key={i}>waits for: {o.kind} <span class="text">{o.addr || (o.fd !== undefined ? `descriptor ${o.fd}` : "")}</span> <span class="text soft">{o.peer || ""}</span></li>)}</ul>
	);
}

// What it works for: leads to all that works for the same.
function Of({ request, target }) {
	const words = [request.method, request.path || request.route].filter(Boolean).join(" ") || "a request";
	const values = request.trace_id ? { trace_id: request.trace_id } : request.served_by ? { request: request.served_by } : {};

	return (
		<p>
			{request.relation} <a href={url_of({ target, view: "requests", ...values })} onClick={(e) => {
				e.preventDefault();
				go({ view: "requests", ...values });
			}}><Text lines={1}>{words}</Text></a>{request.over && ", which is over"}{request.deadline_passed_s !== null && <span class="bad">, deadline passed {long(request.deadline_passed_s)} ago</span>}
		</p>
	);
}

function Goroutine({ g, target }) {
	const [open, set] = useState(false), labels = Object.entries(g.labels || {});

	return (
		<>
			<tr class="opens" onClick={() => set(!open)}>
				<td class="n"><button type="button" aria-expanded={open} aria-label={`stack of goroutine ${g.goid}`}>{g.goid}</button></td>
				<td>{g.reason || g.status}</td>
				<td class="n">{long(seconds(g.wait_ns))}</td>
				<td>{g.stack.length ? <Place at={own_frame(g.stack)} /> : NOT_KNOWN}</td>
				<td><Place at={g.called_from?.func ? g.called_from : g.created_by} /></td>
				<td>{labels.length > 0 && <Text lines={1}>{labels.map(([k, v]) => `${k}=${v}`).join(" ")}</Text>}</td>
			</tr>
			{open && <tr><td colSpan={6}>{g.request && <Of request={g.request} target={target} />}<Objects of={g.waits_for || []} /><Stack frames={g.stack} /></td></tr>}
		</>
	);
}

// What a group has in common.
function Common({ g }) {
	if (g.object)
		return <>{g.object.kind} <span class="text">{g.object.addr || g.object.peer || ""}</span></>;
	if (g.labels)
		return <Text>{Object.entries(g.labels).map(([k, v]) => `${k}=${v}`).join(" ")}</Text>;
	if (g.created_by)
		return <Place at={g.created_by} />;
	if (g.reason || g.state)
		return <>{g.reason || g.state}</>;
	return g.stack?.length ? <Place at={own_frame(g.stack)} /> : <>{NOT_KNOWN}</>;
}

function Group({ g }) {
	const [open, set] = useState(false);

	return (
		<>
			<tr class="opens" onClick={() => set(!open)}>
				<td class="n"><button type="button" aria-expanded={open} aria-label="stack of the group">{number(g.count)}</button></td>
				<td><Common g={g} /></td>
				<td>{Object.entries(g.states || {}).map(([state, n]) => `${state} ${number(n)}`).join(", ")}</td>
				<td class="n">{long(seconds(g.oldest_wait_ns))}</td>
				<td class="soft">{(g.goids || []).slice(0, 5).join(", ")}{g.count > 5 ? ", ..." : ""}</td>
			</tr>
			{open && <tr><td colSpan={5}>{g.stack_count < g.count && <p class="soft">The commonest of the stacks, {count(g.stack_count, "goroutine")}:</p>}<Stack frames={g.stack || []} /></td></tr>}
		</>
	);
}

export function Rows({ got, group, target }) {
	if (group)
		return (
			<table class="goroutines">
				<thead><tr><th class="n">count</th><th>{GROUPS.find(([word]) => word === group)?.[1]}</th><th>what they do</th><th class="n">longest wait</th><th>goids</th></tr></thead>
				<tbody>{got.data.groups.map((g, i) => <Group key={i} g={g} />)}</tbody>
			</table>
		);
	return (
		<table class="goroutines">
			<thead><tr><th class="n">goid</th><th>does</th><th class="n">for</th><th>at</th><th>created by</th><th>labels</th></tr></thead>
			<tbody>{got.data.map((g) => <Goroutine key={g.goid} g={g} target={target.id} />)}</tbody>
		</table>
	);
}

export function Goroutines({ target, url }) {
	const top = Number(url.top) || FIRST, group = url.group || "";
	const got = usePolled(path_of(target.id, url, { ...(group ? { group } : { sort: "age" }), top: top + 1 }), again(target));
	const all = got?.status === 200 ? (group ? got.data.groups : got.data) : [], more = all.length > top;
	const cut = got?.status === 200 && more ? { ...got, data: group ? { groups: all.slice(0, top) } : all.slice(0, top) } : got;

	return (
		<section>
			<Filters of={FILTERS} url={url} />
			<p><Choice label="goroutines" values={GROUPS} now={group} choose={(value) => go({ group: value, top: "" })} /></p>
			{got?.status === 400 && <p class="bad" data-refused><span class="text">{got.data}</span></p>}
			{got?.status === 200 && (
				<p class="soft" data-shown>
					{more ? `The first ${number(top)}` : number(all.length)} {group ? "groups" : "goroutines"}, {number(target.goroutines)} goroutines in all{again(target) ? "" : ": reload the page for the next look"}.
					{more && <> <button type="button" onClick={() => go({ top: top * 4 }, false)}>show more</button></>}
				</p>
			)}
			{got?.status === 200 ? <Rows got={cut} group={group} target={target} /> : got?.status !== 400 && <Nothing got={got} what="Goroutines" />}
		</section>
	);
}
