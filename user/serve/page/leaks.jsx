// SPDX-License-Identifier: BSD-2-Clause
// Why: each leak with its evidence, its line, its cure, what holds it, and since when. And what the daemon told of this target.
import { Nothing, Place, Spark, Stack, Text } from "./parts.jsx";
import { go_to, url_of, usePolled } from "./state.js";
import { NOT_KNOWN, count, long, memory, moment, number } from "./words.js";

const OPEN = 3; // leaks that are shown in full

const VERDICTS = {
	leaked: "leaked: proven", growing: "growing", deadlock: "deadlock", stuck: "stuck", suspect: "suspect",
};

function Fact({ name, children }) {
	return <><dt>{name}</dt><dd>{children}</dd></>;
}

function Held({ g }) {
	const s = g.searched, parts = [];

	if (g.behind && !g.root)
		return <>goroutine {g.behind.goid}, {g.behind.ring ? "in a deadlock" : "which waits itself"}, at <Place at={g.behind.blocked_at} /></>;
	if (s && s.count) {
		const of = (n, who) => n && parts.push(`${who} (${number(n)} of ${number(s.count)})`);

		of(s.unreached, "nothing that can still run");
		of(s.held_by_global, "a variable of the program");
		of(s.held_by_goroutine, "another goroutine");
		of(s.held_otherwise, "something else");
	}
	return <>{parts.join(" · ") || NOT_KNOWN}</>;
}

function kept(g) {
	const parts = [`${memory(g.stack_bytes)} of stacks`];

	if (g.heap_bytes)
		parts.push(`${memory(g.heap_bytes)} of heap that only they keep`);
	return parts.join(", ");
}

function Leak({ g, target, follows, open }) {
	const goids = { target, view: "goroutines", goid: (g.goids || []).join(",") };

	return (
		<details class="leak" data-verdict={g.verdict} open={open}>
			<summary>
				<b>{count(g.count, "goroutine")}</b>
				<span class={`verdict ${g.leak ? "bad" : "soft"}`}>{VERDICTS[g.verdict] || g.verdict}</span>
				<Text>{g.pattern || g.reason || "no pattern that is known"}</Text>
				{g.known && <span class="soft">known before</span>}
				{follows && <span class="soft">follows from the one above</span>}
				<Spark values={g.counts} label="goroutines during the watch" />
			</summary>
			<dl>
				<Fact name="evidence"><span class="text">{g.why}</span></Fact>
				{g.called_from?.func && <Fact name="your line"><Place at={g.called_from} /></Fact>}
				<Fact name="created at"><Place at={g.created_by} /></Fact>
				<Fact name="waits at"><Place at={g.blocked_at} /> <span class="soft text">{g.reason}</span></Fact>
				{g.cure && <Fact name="cure"><b class="text">{g.cure}</b></Fact>}
				<Fact name="held by"><Held g={g} /></Fact>
				<Fact name="since">
					{g.age_s ? <>the longest has waited {g.age_s.exact ? "" : "at least "}{long(g.age_s.max)}</> : NOT_KNOWN}
					{g.growth_per_min > 0 && `; ${number(g.growth_per_min)} more a minute`}
				</Fact>
				<Fact name="keeps">{kept(g)}</Fact>
				{Object.keys(g.labels || {}).length > 0 && <Fact name="labels"><Text>{Object.entries(g.labels).map(([k, v]) => `${k}=${v}`).join(" ")}</Text></Fact>}
			</dl>
			<details>
				<summary>stack</summary>
				<Stack frames={g.stack || []} />
			</details>
			<a href={url_of(goids)} onClick={(e) => {
				e.preventDefault();
				go_to(goids);
			}}>show {g.goids?.length < g.count ? `${g.goids.length} of them` : "them"}</a>
		</details>
	);
}

export function Events({ events }) {
	return (
		<table class="events">
			<tbody>
				{events.map((e, i) => (
					<tr key={i}>
						<td class="soft">{typeof e.time === "number" ? moment(e.time) : moment(Date.parse(e.time) / 1000)}</td>
						<td class={/leak|storm/.test(e.kind) ? "bad" : ""}>{e.kind.replace(/_/g, " ")}</td>
						<td><Text lines={3}>{e.text}</Text></td>
					</tr>
				))}
			</tbody>
		</table>
	);
}

export function Leaks({ target }) {
	const got = usePolled(`/api/v1/targets/${target.id}/leaks`);
	const told = usePolled("/api/v1/events", 30);
	const events = (told?.status === 200 ? told.data.events : []).filter((e) => e.target === target.id).slice(-30).reverse();
	const groups = got?.status === 200 ? got.data.groups : [];
	const leaks = groups.filter((g) => g.leak), others = groups.filter((g) => !g.leak);
	const follows = (g) => g.incident !== null && g.incident !== undefined && g.root === false;

	return (
		<section>
			{got?.status === 200 ? (
				<p class="soft">
					Watched for {long(Math.round(got.data.window_s))}: {number(got.data.goroutines.start)} goroutines at the start, {number(got.data.goroutines.end)} at the end.
					{got.data.proof?.passes ? ` The heap was searched ${count(got.data.proof.passes, "time")}.` : ""}
					{got.data.proof?.doubt ? ` Doubt: ${got.data.proof.doubt}.` : ""}
				</p>
			) : <Nothing got={got} what="Leaks" />}
			{got?.status === 200 && !leaks.length && <p><b class="ok">No leak was found.</b></p>}
			{leaks.map((g, i) => <Leak key={i} g={g} target={target.id} follows={follows(g)} open={i < OPEN} />)}
			{others.length > 0 && (
				<details>
					<summary>{count(others.length, "other group")} of goroutines, not counted as leaks</summary>
					{others.map((g, i) => <Leak key={i} g={g} target={target.id} />)}
				</details>
			)}
			{events.length > 0 && <><h3>What happened</h3><Events events={events} /></>}
		</section>
	);
}
