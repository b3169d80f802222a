// GET one of the paths that the file PATHS lists for a server, chosen at random: from one server of the file SERVERS
// after the other in the order of the file TURNS, a second or more each, so that what the machine does meanwhile happens
// to all of them.
import http from 'k6/http';
import { Trend } from 'k6/metrics';
import { FHIR, expect, load } from './options.js';

const GAP = 0.05; // seconds, in which the last answers of a turn arrive
const turns = JSON.parse(open(__ENV.TURNS));
const paths = JSON.parse(open(__ENV.PATHS));
const servers = JSON.parse(open(__ENV.SERVERS));
const times = {};
for (const name of Object.keys(servers)) times[name] = new Trend(name, true);
const scenarios = {};
turns.forEach(([name, seconds], turn) => {
  scenarios[`turn_${turn}`] = {
    executor: 'constant-vus',
    vus: Number(__ENV.CLIENTS),
    startTime: `${Math.round(turns.slice(0, turn).reduce((sum, each) => sum + each[1] + GAP, 0) * 1000)}ms`,
    duration: `${Math.round(seconds * 1000)}ms`,
    env: { NAME: name, BASE: servers[name] },
  };
});
const { vus, duration, summaryTrendStats, ...common } = load();
export const options = { ...common, scenarios, summaryTrendStats: [...summaryTrendStats, 'count'] };

export default function () {
  const name = __ENV.NAME;
  const answer = http.get(__ENV.BASE + paths[name][(Math.random() * paths[name].length) | 0], FHIR);
  times[name].add(answer.timings.duration);
  expect(answer, 200);
}
