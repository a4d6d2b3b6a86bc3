// SPDX-License-Identifier: BSD-2-Clause
// The requests of the last look: which are under way, and of one who waits for whom, and since when.
import { useLayoutEffect, useRef } from "preact/hooks";
import { own_frame } from "./goroutines.jsx";
import { Filters, Nothing, Place, Stack, Text } from "./parts.jsx";
import { go, url_of, usePolled } from "./state.js";
import { NOT_KNOWN, count, long, number } from "./words.js";

const FILTERS = [["route", "route", "/quote/*"], ["older", "waits for at least", "30s, 2m, 1h"], ["trace_id", "trace id", "its first digits"]];
const FIRST = 200;     // requests
const DRAWN = 100;     // goroutines of one request
const WIDTH = 1000;    // of a bar, whatever its width on the screen

const waits_ns = (q) => Math.max(0, ...q.goroutines.map((g) => g.wait_ns || 0));
const is_sent = (q) => q.kind === "outgoing"; // by the program itself
// What the URL calls a request: its first goroutine, which serves it, if anybody does. That may send another one meanwhile.
const name_of = (q) => `${is_sent(q) ? "sent-" : ""}${q.goroutines[0].goid}`;
export const title_of = (q) => [q.method, q.route && !q.path ? q.route : q.path || q.route].filter(Boolean).join(" ") || "a request";

// At least so old as somebody has waited for it.
function Age({ q }) {
	const waits = waits_ns(q) / 1e9;

	if (q.age_s !== null)
		return <>{long(q.age_s)}</>;
	return waits ? <span title="at least: so long one of its goroutines waits">≥ {long(waits)}</span> : <>{NOT_KNOWN}</>;
}

function Deadline({ s }) {
	if (s === null)
		return null;
	return s < 0 ? <span class="bad">passed {long(-s)} ago</span> : <>in {long(s)}</>;
}

function path_of(id, url) {
	const query = new URLSearchParams(FILTERS.filter(([name]) => url[name]).map(([name]) => [name, url[name]]));

	return `/api/v1/targets/${id}/requests${query.size ? `?${query}` : ""}`;
}

// Ids of 64 bits begin with zeros.
const short_id = (id) => (id.startsWith("00000000") ? `...${id.slice(-8)}` : `${id.slice(0, 8)}...`);

// Leads to the goroutines of a trace.
export function Trace({ id, target }) {
	const values = { target, view: "goroutines", trace_id: id };

	return (
		<a data-trace href={url_of(values)} onClick={(e) => {
			e.preventDefault();
			e.stopPropagation();
			go({ view: "goroutines", trace_id: id });
		}}><span class="text">{short_id(id)}</span></a>
	);
}

function Row({ q, target, chosen }) {
	const name = name_of(q);

	return (
		<tr class={`opens${chosen ? " chosen" : ""}`} data-request={name} onClick={() => go({ request: chosen ? "" : name })}>
			<td><button type="button" aria-expanded={chosen} aria-label={`goroutines of ${title_of(q)}`}>{q.method || NOT_KNOWN}</button></td>
			<td><Text lines={1}>{q.route || <span class="soft">{NOT_KNOWN}</span>}</Text></td>
			<td><Text lines={1}>{is_sent(q) ? `${q.scheme}://${q.host}${q.path || ""}` : q.path || ""}</Text></td>
			<td class="n"><Age q={q} /></td>
			<td class="n"><Deadline s={q.deadline_s} /></td>
			<td class="n">{number(q.goroutines.length)}</td>
			<td>{q.trace_id && <Trace id={q.trace_id} target={target.id} />}</td>
		</tr>
	);
}

// Leads to another request.
function Other({ q, target, words }) {
	const values = { target, view: "requests", request: name_of(q) };

	return (
		<a data-other={name_of(q)} href={url_of(values)} onClick={(e) => {
			e.preventDefault();
			go({ request: name_of(q), route: "", older: "", trace_id: "" });
		}}><Text lines={1}>{words}</Text></a>
	);
}

// Goroutine to those that hold what it waits for.
function holders_of(chans) {
	const of = new Map();

	for (const lock of chans?.locks || [])
		for (const waiter of lock.waiters)
			of.set(waiter.goid, { lock, goids: (lock.holders || []).map((h) => h.goid) });
	return of;
}

/*
 * The order of a waterfall: below each goroutine those that it waits for, then those that it made. Each once. Who serves waits for those
 * that are awaited by the request.
 */
function in_order(q, details, held) {
	const here = new Set(q.goroutines.map((g) => g.goid)), done = new Set(), rows = [];
	const of = new Map(q.goroutines.map((g) => [g.goid, g]));
	const put = (goid, depth) => {
		if (done.has(goid) || !here.has(goid))
			return;
		done.add(goid);
		rows.push({ g: of.get(goid), depth });
		(held.get(goid)?.goids || []).forEach((to) => put(to, depth + 1));
		if (goid === q.served_by)
			q.goroutines.filter((g) => g.relation === "awaited by").forEach((g) => put(g.goid, depth + 1));
		q.goroutines.filter((g) => details.get(g.goid)?.parent_goid === goid).forEach((g) => put(g.goid, depth + 1));
	};

	here.has(q.served_by) && put(q.served_by, 0);
	q.goroutines.forEach((g) => here.has(details.get(g.goid)?.parent_goid) && g.relation !== "serves" || put(g.goid, 0));
	q.goroutines.forEach((g) => put(g.goid, 0));
	return rows;
}

// What it waits for, and who has that.
function Waits({ q, g, detail, held, others, sent, target }) {
	const by = held.get(g.goid), calls = detail?.calls, words = calls && `${calls.scheme}://${calls.host}${calls.path || ""}`, other = sent.get(g.goid);

	return (
		<>
			{g.reason || g.status}
			{calls && <>, calls {calls.method} {other && other !== q ? <Other q={other} target={target} words={words} /> : <Text lines={1}>{words}</Text>}</>}
			{by ? <> the {by.lock.kind} <span class="text soft">{by.lock.addr}</span>{by.goids.map((goid) => <span key={goid} data-held-by={goid}>, held by goroutine {goid}{others.get(goid) && <> of <Text lines={1}>{others.get(goid)}</Text></>}</span>)}</>
				: (detail?.waits_for || []).slice(0, 4).map((o, i) => <span key={i} class="soft"> {o.kind} <span class="text">{o.addr || o.peer || ""}</span></span>)}
		</>
	);
}

// From when it began to wait to now; a line where the deadline passed.
function Bar({ ns, most, deadline_s }) {
	const wide = Math.max(2, (ns / most) * WIDTH), at = deadline_s !== null && deadline_s < 0 ? WIDTH * (1 + deadline_s / (most / 1e9)) : -1;

	return (
		<svg class="bar" viewBox={`0 0 ${WIDTH} 12`} preserveAspectRatio="none" role="img" aria-label={ns ? `waits for ${long(ns / 1e9)}` : "since when is not known"}>
			{ns > 0 && <rect x={WIDTH - wide} y="2" width={wide} height="8" />}
			{at >= 0 && <line x1={at} x2={at} y1="0" y2="12" />}
		</svg>
	);
}

function Waterfall({ q, target, requests }) {
	const goids = q.goroutines.slice(0, DRAWN).map((g) => g.goid);
	const got = usePolled(`/api/v1/targets/${target.id}/goroutines?goid=${goids.join(",")}`), locks = usePolled(`/api/v1/targets/${target.id}/chans`);
	const details = new Map((got?.status === 200 ? got.data : []).map((g) => [g.goid, g])), held = holders_of(locks?.status === 200 ? locks.data : null);
	const others = new Map(requests.flatMap((r) => (r === q || is_sent(r) ? [] : r.goroutines.map((g) => [g.goid, title_of(r)]))));
	const sent = new Map(requests.filter(is_sent).flatMap((r) => r.goroutines.map((g) => [g.goid, r])));
	const most = Math.max(waits_ns(q), (q.age_s || 0) * 1e9, 1);

	return (
		<table class="waterfall" data-waterfall={name_of(q)}>
			<thead><tr><th>goroutine</th><th>{q.over ? "has it" : ""}</th><th class="time"><span>{most > 1 ? `${long(most / 1e9)} ago` : ""}</span><span>now</span></th><th class="n">for</th><th>waits for</th><th>at</th></tr></thead>
			<tbody>
				{in_order({ ...q, goroutines: q.goroutines.slice(0, DRAWN) }, details, held).map(({ g, depth }) => (
					<tr key={g.goid} data-goroutine={g.goid} data-depth={depth}>
						<td><span class="tree">{"· ".repeat(Math.min(depth, 8))}</span>{g.goid}</td>
						<td>{g.relation}</td>
						<td class="time"><Bar ns={g.wait_ns || 0} most={most} deadline_s={q.deadline_s} /></td>
						<td class="n">{g.wait_ns === null ? NOT_KNOWN : long(g.wait_ns / 1e9)}</td>
						<td><Waits q={q} g={g} detail={details.get(g.goid)} held={held} others={others} sent={sent} target={target.id} /></td>
						<td>
							{details.get(g.goid)?.stack.length
								? <details><summary><Place at={own_frame(details.get(g.goid).stack)} /></summary><Stack frames={details.get(g.goid).stack} /></details>
								: <Place at={g.where} />}
						</td>
					</tr>
				))}
			</tbody>
		</table>
	);
}

function One({ q, target, requests }) {
	const facts = [["host", q.host], ["from", q.peer], ["trace", q.trace_id], ["span", q.span]].filter(([, value]) => value);
	const here = new Set(q.goroutines.map((g) => g.goid)), row = useRef();
	const for_whom = is_sent(q) ? requests.filter((r) => !is_sent(r) && r.goroutines.some((g) => here.has(g.goid))) : [];

	// Who comes by a link sees it, and who opens a row that is far down sees what is below it.
	useLayoutEffect(() => {
		const { top } = row.current.previousElementSibling.getBoundingClientRect();

		if (top < 0 || top > innerHeight / 2)
			row.current.previousElementSibling.scrollIntoView();
	}, []);
	return (
		<tr ref={row}><td colSpan={7}>
			{for_whom.map((r) => <p key={name_of(r)}><span class="soft">for</span> <Other q={r} target={target.id} words={title_of(r)} /></p>)}
			<p>{facts.map(([name, value]) => <span key={name}><span class="soft">{name}</span> <Text lines={1}>{value}</Text> </span>)}</p>
			<Waterfall q={q} target={target} requests={requests} />
			{q.goroutines.length > DRAWN && <p class="soft">The first {DRAWN} of {count(q.goroutines.length, "goroutine")}.</p>}
		</td></tr>
	);
}

// The first ones wait longest. The one that is asked for is there, wherever it is.
function Rows({ of, title, target, url, requests }) {
	const those = of.filter((q, i) => i < FIRST || name_of(q) === url.request);

	return (
		<>
			<h3>{title}</h3>
			<table class="requests">
				<thead><tr><th>method</th><th>route</th><th>path</th><th class="n">age</th><th class="n">deadline</th><th class="n">goroutines</th><th>trace</th></tr></thead>
				<tbody>
					{those.map((q) => {
						const chosen = url.request === name_of(q);

						return [<Row key={name_of(q)} q={q} target={target} chosen={chosen} />, chosen && <One key={`${name_of(q)} one`} q={q} target={target} requests={requests} />];
					})}
				</tbody>
			</table>
			{of.length > FIRST && <p class="soft" data-cut>Those that wait longest: {FIRST} of {number(of.length)}. Filters find the others.</p>}
		</>
	);
}

function Shown({ data, target, url }) {
	const over = data.over.map((q) => ({ ...q, over: true })), all = [...data.requests, ...over], sent = data.requests.filter(is_sent), served = data.requests.filter((q) => !is_sent(q));

	return (
		<>
			<p class="soft" data-shown>
				{count(served.length, "request")} under way{sent.length > 0 && `, ${number(sent.length)} that the program sent`}{data.over.length > 0 && `, ${number(data.over.length)} over that left goroutines behind`}
				{data.moved > 0 && `; nothing is said of ${count(data.moved, "goroutine")} that moved`}{data.cut && "; the time to read them was up"}.
			</p>
			{served.length > 0 && <Rows of={served} title="Under way" target={target} url={url} requests={all} />}
			{sent.length > 0 && <Rows of={sent} title="Sent by the program" target={target} url={url} requests={all} />}
			{data.over.length > 0 && <Rows of={over} title="Over, and goroutines still have them" target={target} url={url} requests={all} />}
		</>
	);
}

export function Requests({ target, url }) {
	const got = usePolled(path_of(target.id, url));

	return (
		<section>
			<Filters of={FILTERS} url={url} />
			{got?.status === 400 && <p class="bad" data-refused><span class="text">{got.data}</span></p>}
			{got?.status === 404 && <p class="soft" data-nothing>No requests: {got.data}.</p>}
			{got?.status === 200 ? <Shown data={got.data} target={target} url={url} /> : got?.status !== 400 && got?.status !== 404 && <Nothing got={got} what="Requests" />}
		</section>
	);
}
