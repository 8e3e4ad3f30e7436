/**
 * Derives `get-paths.json` from the published OpenAPI description of the NGINX Plus API, version 9 (linked from
 * https://nginx.org/en/docs/http/ngx_http_api_module.html): what a GET of each path may return, in the notation of schema.ts.
 *
 *     npx tsx test/contract/gateway/derive.ts nginx_api.yaml >test/contract/gateway/get-paths.json
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { Shape } from './schema.js';

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly example?: unknown;
}

interface Description {
  readonly paths: Readonly<Record<string, { readonly get?: { responses: { 200: { schema: Schema } } } }>>;
  readonly definitions: Readonly<Record<string, Schema>>;
}

const description = parse(readFileSync(String(process.argv[2]), 'utf8')) as Description;

function resolve(schema: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  return description.definitions[schema.$ref.replace('#/definitions/', '')] as Schema;
}

function objectShape({ properties = {}, additionalProperties, example }: Schema): Shape {
  // Workers are described as a map, but their example is an array, and so is what NGINX Plus returns.
  if (additionalProperties)
    return Array.isArray(example)
      ? { array: shapeOf(additionalProperties) }
      : { map: shapeOf(additionalProperties) };
  const names = Object.keys(properties);
  // Keys and values of a keyval zone.
  if (names.length === 0) return { map: 'string' };
  // `codes` has any status as its key.
  if (names.length === 1 && names[0] === 'codeNumber') return { map: 'integer' };
  const fields = names.map((name) => [name, shapeOf(properties[name] as Schema)]);
  return { object: Object.fromEntries(fields), required: [] };
}

function shapeOf(reference: Schema): Shape {
  const schema = resolve(reference);
  if (schema.enum) return { enum: schema.enum };
  if (schema.type === 'array') return { array: shapeOf(schema.items as Schema) };
  if (schema.type === 'integer' || schema.type === 'boolean') return schema.type;
  if (schema.type === 'string') return schema.format === 'date-time' ? 'date-time' : 'string';
  return objectShape(schema);
}

const gets = Object.entries(description.paths).flatMap(([path, { get }]) =>
  get ? [[path, shapeOf(get.responses[200].schema)] as const] : [],
);
process.stdout.write(`${JSON.stringify(Object.fromEntries(gets), null, 1)}\n`);
