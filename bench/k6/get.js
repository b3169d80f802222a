// GET one of the paths that the file PATHS lists, chosen at random.
import http from 'k6/http';
import { BASE, FHIR, expect, load } from './options.js';

const paths = JSON.parse(open(__ENV.PATHS));
export const options = load();

export default function () {
  expect(http.get(BASE + paths[(Math.random() * paths.length) | 0], FHIR), 200);
}
