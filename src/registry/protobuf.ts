// Protobuf, by the package @bufbuild/protobuf: the messages are those that protoc-gen-es generated. Which
// message of its file a record holds is said by indexes before the data.

import type { DescFile, DescMessage, Message } from '@bufbuild/protobuf'
import { ConfigError, describeValue, InvalidArgumentError } from '../errors.ts'
import { requireOptional } from '../optional-package.ts'
import type { Codec } from './codec.ts'
import { readIndexes, writeIndexes } from './framing.ts'
import type { SchemaText } from './registry-client.ts'

type Protobuf = typeof import('@bufbuild/protobuf')
type WellKnown = typeof import('@bufbuild/protobuf/wkt')

export class ProtobufCodec<T extends Message> implements Codec<T> {
  readonly schema: SchemaText
  readonly recordName: string
  readonly hasIndexes = true
  private readonly messages: readonly DescMessage[]
  private readonly protobuf: Protobuf

  constructor(messages: readonly DescMessage[]) {
    for (const message of messages) {
      if (message?.kind === 'message') continue
      throw new InvalidArgumentError(
        `registry.protobuf() takes messages that protoc-gen-es generated, such as OrderSchema, got ${describeValue(message)}`,
      )
    }
    if (messages.length === 0 || messages.some(({ file }) => file !== messages[0].file)) {
      throw new InvalidArgumentError('registry.protobuf() takes messages of one .proto file')
    }
    this.messages = messages
    this.recordName = messages[0].typeName
    this.protobuf = load()
    this.schema = { schemaType: 'PROTOBUF', schema: fileText(this.protobuf, messages[0].file) }
  }

  /** The files that it imports are registered under their names, as Confluent's serializer does. */
  async prepare(
    register: (subject: string, schema: SchemaText) => Promise<number>,
  ): Promise<SchemaText> {
    const prepared = async (file: DescFile): Promise<SchemaText> => {
      const references = []
      for (const imported of file.dependencies) {
        const name = `${imported.name}.proto`
        if (name.startsWith('google/protobuf/')) continue
        const schema = await prepared(imported)
        references.push({ name, subject: name, version: await register(name, schema) })
      }
      return { schemaType: 'PROTOBUF', schema: fileText(this.protobuf, file), references }
    }
    return await prepared(this.messages[0].file)
  }

  writer(): Promise<(value: T) => Buffer> {
    return Promise.resolve((value: T) => {
      const message = this.messages.find(({ typeName }) => typeName === value?.$typeName)
      if (message === undefined) {
        const expected = this.messages.map(({ typeName }) => typeName).join(' or ')
        throw new InvalidArgumentError(
          `expected a message ${expected}, made by create(), got ${describeValue(value?.$typeName ?? value)}`,
        )
      }
      const bytes = this.protobuf.toBinary(message, value)
      return Buffer.concat([writeIndexes(pathOf(message)), bytes])
    })
  }

  reader(): Promise<(data: Buffer) => T> {
    const byPath = new Map(this.messages.map((message) => [String(pathOf(message)), message]))
    return Promise.resolve((framed: Buffer) => {
      const { path, data } = readIndexes(framed)
      const message = byPath.get(String(path))
      if (message === undefined) {
        throw new InvalidArgumentError(
          `the record holds message ${path.join('.')} of its file, which is not among ${this.messages.map(({ typeName }) => typeName).join(', ')}`,
        )
      }
      return this.protobuf.fromBinary(message, data) as T
    })
  }
}

/** Where a message stands in its file: its index, and before it those of the messages around it. */
function pathOf(message: DescMessage): number[] {
  const { parent, file } = message
  return parent === undefined
    ? [file.messages.indexOf(message)]
    : [...pathOf(parent), parent.nestedMessages.indexOf(message)]
}

/** Registries take a file's descriptor in base64. */
function fileText({ toBinary }: Protobuf, file: DescFile): string {
  const { FileDescriptorProtoSchema } = requireOptional<WellKnown>('@bufbuild/protobuf/wkt')
  return Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)).toString('base64')
}

function load(): Protobuf {
  try {
    return requireOptional<Protobuf>('@bufbuild/protobuf')
  } catch (cause) {
    const text = "registry.protobuf() needs the package '@bufbuild/protobuf'"
    throw new ConfigError(`${text}: npm install @bufbuild/protobuf`, { cause })
  }
}
