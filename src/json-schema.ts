/** JSON Schemas that carry the TypeScript type of the values they describe. Plain objects, without a library at run time. */

declare const described: unique symbol
declare const omissible: unique symbol
/** At run time the mark of a property that may be left out; `Type.Object` makes `required` of those without it. */
const optionalMark = Symbol('optional')

/** A schema of values of type `T`. */
export type Schema<T = unknown> = Readonly<Record<string, unknown>> & { readonly [described]: T }

export type Properties = Readonly<Record<string, Schema>>

export type ObjectSchema<P extends Properties = Properties> = Schema<ObjectOf<P>> & { readonly properties: P }

export type UnionSchema<S extends readonly Schema[] = readonly Schema[]> = Schema<Static<S[number]>> & {
  readonly anyOf: S
}

/** The type of the values that a schema describes. */
export type Static<S extends Schema> = S[typeof described]

type Optional<S extends Schema> = S & { readonly [omissible]: true }

type OptionalNames<P> = { [K in keyof P]: P[K] extends { readonly [omissible]: true } ? K : never }[keyof P]

type ObjectOf<P extends Properties> = Flat<
  { [K in Exclude<keyof P, OptionalNames<P>>]: Static<P[K]> } & {
    [K in OptionalNames<P>]?: Static<P[K]>
  }
>

type Flat<T> = { [K in keyof T]: T[K] }

/** Keywords beside those that a builder sets: bounds, description, default, and our own. */
type Keywords = Readonly<Record<string, unknown>>

function schemaOf<T>(keywords: Keywords): Schema<T> {
  return keywords as Schema<T>
}

/** Builders, named as in TypeBox, so that schemas read as they do elsewhere. */
export const Type = {
  String: (keywords: Keywords = {}) => schemaOf<string>({ type: 'string', ...keywords }),
  Integer: (keywords: Keywords = {}) => schemaOf<number>({ type: 'integer', ...keywords }),
  Number: (keywords: Keywords = {}) => schemaOf<number>({ type: 'number', ...keywords }),
  Boolean: (keywords: Keywords = {}) => schemaOf<boolean>({ type: 'boolean', ...keywords }),
  Null: () => schemaOf<null>({ type: 'null' }),
  Unknown: (keywords: Keywords = {}) => schemaOf<unknown>({ ...keywords }),

  Literal: <const T extends string | number | boolean>(value: T, keywords: Keywords = {}) =>
    schemaOf<T>({ type: typeof value, const: value, ...keywords }),

  Union: <const S extends readonly Schema[]>(schemas: S, keywords: Keywords = {}) =>
    schemaOf<Static<S[number]>>({ anyOf: schemas, ...keywords }) as UnionSchema<S>,

  Array: <S extends Schema>(items: S, keywords: Keywords = {}) =>
    schemaOf<Static<S>[]>({ type: 'array', items, ...keywords }),

  /** @param names  A schema of a string; only its `pattern` is looked at. */
  Record: <S extends Schema>(names: Schema<string>, values: S, keywords: Keywords = {}) =>
    schemaOf<Record<string, Static<S>>>({
      type: 'object',
      patternProperties: { [(names.pattern as string | undefined) ?? '^.*$']: values },
      ...keywords,
    }),

  Object: <P extends Properties>(properties: P, keywords: Keywords = {}): ObjectSchema<P> => {
    const required = Object.keys(properties).filter((name) => !(optionalMark in properties[name]!))
    return {
      type: 'object',
      ...(required.length > 0 && { required }),
      properties,
      ...keywords,
    } as unknown as ObjectSchema<P>
  },

  Optional: <S extends Schema>(schema: S): Optional<S> =>
    ({ ...schema, [optionalMark]: true }) as unknown as Optional<S>,

  /** A schema written out, of values of type `T`. */
  Unsafe: <T>(schema: Keywords) => schemaOf<T>(schema),
}
