// Structs of coordinators' records as tables: a field knows how it is read and written, a struct is its
// fields in wire order, with the tag section that ends it. Types, versions and values of null are for
// state-record.ts.

import type { Reader } from '../protocol/reader.ts'
import type { Writer } from '../protocol/writer.ts'

/** What stands for a field that is not on the wire. */
export interface Default<T> {
  missing(): T
  isMissing(value: T): boolean
}

/** How a field is read and written. */
export interface Field<T> {
  read(r: Reader): T
  write(w: Writer, value: T): void
  /** A tagged field: it is written only where it is not the default, which stands for it elsewhere. */
  readonly tagged?: Default<T> & { readonly tag: number }
  /** The first version that has it. Those below have no place for another value than the default. */
  readonly since?: Default<T> & { readonly first: number }
}

export const int8: Field<number> = { read: (r) => r.int8(), write: (w, value) => w.int8(value) }
export const int16: Field<number> = { read: (r) => r.int16(), write: (w, value) => w.int16(value) }
export const uint16: Field<number> = {
  read: (r) => r.uint16(),
  write: (w, value) => w.uint16(value),
}
export const int32: Field<number> = { read: (r) => r.int32(), write: (w, value) => w.int32(value) }
export const int64: Field<bigint> = { read: (r) => r.int64(), write: (w, value) => w.int64(value) }
export const bool: Field<boolean> = {
  read: (r) => r.bool(),
  write: (w, value) => w.bool(value),
}
export const float64: Field<number> = {
  read: (r) => r.float64(),
  write: (w, value) => w.float64(value),
}
export const uuid: Field<string> = { read: (r) => r.uuid(), write: (w, value) => w.uuid(value) }
export const string: Field<string> = {
  read: (r) => r.string(),
  write: (w, value) => w.string(value),
}
export const nullableString: Field<string | null> = {
  read: (r) => r.nullableString(),
  write: (w, value) => w.nullableString(value),
}
export const bytes: Field<Buffer> = { read: (r) => r.bytes(), write: (w, value) => w.bytes(value) }

export function array<T>(item: Field<T>): Field<T[]> {
  return {
    read: (r) => r.array(item.read),
    write: (w, value) => w.array(value, item.write),
  }
}

export function nullableArray<T>(item: Field<T>): Field<T[] | null> {
  return {
    read: (r) => r.nullableArray(item.read),
    write: (w, value) => w.nullableArray(value, item.write),
  }
}

/** A struct that may be null. */
export function nullable<T>(content: Field<T>): Field<T | null> {
  return {
    read: (r) => r.nullable(content.read),
    write: (w, value) => w.nullable(value, content.write),
  }
}

/** A struct in a tagged field that may be null: a varint says which. */
export function taggedNullable<T>(content: Field<T>): Field<T | null> {
  return {
    read: (r) => (r.unsignedVarint() === 0 ? null : r.struct(content.read)),
    write(w, value) {
      w.unsignedVarint(value === null ? 0 : 1)
      if (value !== null) w.struct(value, content.write)
    },
  }
}

/** A tagged field whose default is `missing`. */
export function tagged<T extends bigint | number | string>(
  tag: number,
  field: Field<T>,
  missing: T,
): Field<T> {
  return taggedBy(
    tag,
    field,
    () => missing,
    (value) => value === missing,
  )
}

/** A tagged field whose default is a value that is made for each record. */
export function taggedBy<T>(
  tag: number,
  field: Field<T>,
  missing: () => T,
  isMissing: (value: T) => boolean,
): Field<T> {
  return { ...field, tagged: { tag, missing, isMissing } }
}

/** A tagged array that is empty by default. */
export function emptyListUnlessTagged<T>(tag: number, field: Field<T[]>): Field<T[]> {
  return taggedBy(
    tag,
    field,
    () => [],
    (value) => value.length === 0,
  )
}

/** A tagged array that is empty by default; null is another value. */
export function emptyUnlessTagged<T>(tag: number, field: Field<T[] | null>): Field<T[] | null> {
  return taggedBy(
    tag,
    field,
    () => [],
    (value) => value?.length === 0,
  )
}

/** A tagged field that is null by default. */
export function nullUnlessTagged<T>(tag: number, field: Field<T | null>): Field<T | null> {
  return taggedBy(
    tag,
    field,
    () => null,
    (value) => value === null,
  )
}

/** A field that versions below `first` lack. The default of a tagged one is known. */
export function since<T>(
  first: number,
  field: Field<T>,
  byDefault: Default<T> | undefined = field.tagged,
): Field<T> {
  if (byDefault === undefined) throw new Error('a field that versions lack needs a default')
  const { missing, isMissing } = byDefault
  return { ...field, since: { first, missing, isMissing } }
}

/** False by default. */
export const falseByDefault: Default<boolean> = {
  missing: () => false,
  isMissing: (value) => value === false,
}

/** Empty by default. */
export const emptyByDefault: Default<string[]> = {
  missing: () => [],
  isMissing: (value) => value.length === 0,
}

function isLacking(version: number, field: Field<never>): boolean {
  return field.since !== undefined && version < field.since.first
}

/** A struct of these fields, in the order of the wire; tagged ones come last. */
export function struct<T extends object>(fields: { [Name in keyof T]: Field<T[Name]> }): Field<T> {
  const all = Object.entries(fields) as [string, Field<never>][]
  const plain = all.filter(([, field]) => field.tagged === undefined)
  const byTag = new Map(
    all
      .flatMap(([name, field]) =>
        field.tagged === undefined ? [] : [[field.tagged.tag, { name, field }] as const],
      )
      .sort(([one], [other]) => one - other),
  )
  return {
    read(r) {
      const value: Record<string, unknown> = {}
      for (const [name, field] of plain) {
        value[name] = isLacking(r.version, field) ? field.since?.missing() : field.read(r)
      }
      for (const { name, field } of byTag.values()) value[name] = field.tagged?.missing()
      r.tags((tag, content) => {
        const known = byTag.get(tag)
        if (known === undefined || isLacking(r.version, known.field)) return
        value[known.name] = known.field.read(content)
      })
      return value as T
    },
    write(w, value) {
      // A name and the field of that name, which the list of both no longer tells.
      const fieldOf = (name: string): never => value[name as keyof T] as never
      for (const [name, field] of all) {
        if (!isLacking(w.version, field)) {
          if (field.tagged === undefined) field.write(w, fieldOf(name))
        } else if (field.since?.isMissing(fieldOf(name)) === false) throw w.unsupported(name)
      }
      w.tags(
        ...[...byTag].map(
          ([tag, { name, field }]) =>
            !isLacking(w.version, field) &&
            field.tagged?.isMissing(fieldOf(name)) === false && {
              tag,
              encode: (content: Writer) => field.write(content, fieldOf(name)),
            },
        ),
      )
    },
  }
}
