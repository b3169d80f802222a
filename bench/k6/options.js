// What every script has in common: so many clients for so long, and as little work in k6 itself as it allows, because
// it shares the machine with the server that it measures.
import { Counter } from 'k6/metrics';

export const BASE = __ENV.BASE;
export const FHIR = { headers: { 'Content-Type': 'application/fhir+json', Accept: 'application/fhir+json' }, tags: { name: 'all' } };
export const failed = new Counter('failed');

export function load() {
  return {
    vus: Number(__ENV.CLIENTS),
    duration: `${__ENV.SECONDS}s`,
    discardResponseBodies: true,
    systemTags: [],
    summaryTrendStats: ['med', 'p(99)'],
  };
}

export function expect(answer, status) {
  if (answer.status !== status) failed.add(1);
}
