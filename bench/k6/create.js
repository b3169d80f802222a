// POST the resource of the file RESOURCE; `@@` in it becomes a number that no other request has.
import http from 'k6/http';
import { BASE, FHIR, expect, load } from './options.js';

const [type, text] = JSON.parse(open(__ENV.RESOURCE));
const parts = text.split('@@');
export const options = load();

export default function () {
  expect(http.post(`${BASE}/${type}`, parts.join(`${__VU}-${__ITER}`), FHIR), 201);
}
