// SPDX-License-Identifier: BSD-2-Clause
// Which process is in trouble: all of them, the worst first.
import { Spark, Text } from "./parts.jsx";
import { go_to, url_of } from "./state.js";
import { NOT_KNOWN, base, number } from "./words.js";

// What is wrong with it, in a few words; the higher the rank, the worse.
export function trouble(t) {
	const known = (t.history?.goroutines || []).filter((n) => n !== null);

	if (t.leaking > 0)
		return { rank: 3, weight: t.leaking, kind: "bad", words: `${number(t.leaking)} leaking` };
	if (known.length > 2 && known.at(-1) > 1.5 * known[0] && known.at(-1) - known[0] >= 50)
		return { rank: 2, weight: known.at(-1) - known[0], kind: "warn", words: `growing: ${number(known[0])} to ${number(known.at(-1))}` };
	if (t.worker_restarts > 0)
		return { rank: 1, weight: t.worker_restarts, kind: "warn", words: "hard to read" };
	if (!t.watched)
		return { rank: 0, weight: t.level === "off" ? -1 : 1, kind: "off", words: "not watched" }; // off: a rule wants it so
	return { rank: 0, weight: 0, kind: "ok", words: t.goroutines === null ? "no look yet" : "" };
}

// Seconds that goroutines waited, a second: how many of them were blocked at a time.
export const blocked = (past) => past?.blocked_seconds?.map((s) => (s === null ? null : s / past.step_seconds));

// Where it runs in Kubernetes, in words; "": not known.
export const pod_of = (t) => [t.namespace, t.pod].filter(Boolean).join("/");
export const workload_of = (t) => [t.workload_kind, t.workload].filter(Boolean).join("/");
export const labels_of = (t) => Object.entries(t.labels || {}).map(([key, value]) => `${key}=${value}`).join(", ");
// A name, or the first digits of an id.
const container_of = (t) => (t.container === t.container_id ? (t.container || "").slice(0, 12) : t.container);

function Row({ t, chosen, query, pods }) {
	const wrong = trouble(t), waits = blocked(t.history);

	return (
		<tr data-target={t.id} class={chosen ? "chosen" : ""} onClick={(e) => e.target.closest("a") || go_to({ target: t.id })}>
			<td class={wrong.kind}>{wrong.words}</td>
			<td>
				<a href={url_of({ target: t.id })} onClick={(e) => {
					if (!e.ctrlKey && !e.metaKey && !e.shiftKey) {
						e.preventDefault();
						go_to({ target: t.id });
					}
				}}><Text lines={1}>{base(t.exe) || t.id}</Text></a>
				{t.restarts > 0 && <span class="soft" title="how often this program was started again"> restart {number(t.restarts)}</span>}
				{query && t.exe && <span class="soft text"> {t.exe}</span>}
			</td>
			<td class="n soft">{t.pid}</td>
			<td class="n">{number(t.goroutines)}</td>
			<td><Spark values={t.history?.goroutines} label="goroutines" /></td>
			<td class="n">{number(t.leaking)}</td>
			<td class="n">{waits ? number(waits.at(-1)) : NOT_KNOWN}</td>
			<td><Spark values={waits} label="blocked" width={70} /></td>
			<td class="soft">{(t.go || "").replace(/^go/, "")}</td>
			{pods && <td data-workload><Text lines={2}>{workload_of(t)}</Text></td>}
			{pods && <td data-labels class="soft"><Text lines={2}>{labels_of(t)}</Text></td>}
			<td data-where><Text lines={2}>{t.why_not || [pod_of(t), container_of(t)].filter(Boolean).join(" · ")}</Text></td>
		</tr>
	);
}

// The targets that the query keeps, the worst first.
export function in_order(targets, query) {
	const low = (query || "").toLowerCase();
	const words = (t) => `${t.id} ${t.exe} ${t.pid} ${pod_of(t)} ${workload_of(t)} ${labels_of(t)} ${t.container || ""} ${t.go}`.toLowerCase();
	const worst = (a, b) => b.wrong.rank - a.wrong.rank || b.wrong.weight - a.wrong.weight || b.t.goroutines - a.t.goroutines || a.t.pid - b.t.pid;

	return targets.filter((t) => !low || words(t).includes(low)).map((t) => ({ t, wrong: trouble(t) })).sort(worst).map(({ t }) => t);
}

export function Targets({ shown, all, chosen, query }) {
	const pods = all.some((t) => t.workload || labels_of(t));

	return (
		<>
			<table class="list">
				<thead>
					<tr>
						<th>trouble</th><th>process</th><th class="n">pid</th><th class="n">goroutines</th><th>10 min</th>
						<th class="n">leaking</th><th class="n" title="how many goroutines were blocked at a time">blocked</th><th>10 min</th><th>Go</th>{pods && <><th>workload</th><th>labels</th></>}<th>where; why not watched</th>
					</tr>
				</thead>
				<tbody>{shown.map((t) => <Row key={t.id} t={t} chosen={t.id === chosen} query={query} pods={pods} />)}</tbody>
			</table>
			{!all.length && <p class="soft">No Go process is here. One that starts is shown within 5 s.</p>}
			{all.length > 0 && !shown.length && <p class="soft">None of {all.length} matches.</p>}
		</>
	);
}
