// POST one of the transaction bundles of the file BUNDLES.
import http from 'k6/http';
import { BASE, FHIR, expect, load } from './options.js';

const bundles = JSON.parse(open(__ENV.BUNDLES));
export const options = load();

export default function () {
  expect(http.post(BASE, bundles[__ITER % bundles.length], FHIR), 200);
}
