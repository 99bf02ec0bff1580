// The description of the topology of a Kafka Streams group, which two messages have (KIP-1331).

import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface TopologyDescription {
  subtopologies: TopologyDescriptionSubtopology[]
  globalStores: TopologyDescriptionGlobalStore[]
}

export interface TopologyDescriptionSubtopology {
  subtopologyId: string
  nodes: TopologyDescriptionNode[]
}

export interface TopologyDescriptionNode {
  name: string
  nodeType: number
  sourceTopics: string[]
  sinkTopic: string | null
  stores: string[]
  successors: string[]
}

export interface TopologyDescriptionGlobalStore {
  source: TopologyDescriptionNode
  processor: TopologyDescriptionNode
}

export function encodeTopologyDescription(w: Writer, description: TopologyDescription): void {
  w.array(description.subtopologies, encodeTopologyDescriptionSubtopology)
  w.array(description.globalStores, encodeTopologyDescriptionGlobalStore)
  w.tags()
}

function encodeTopologyDescriptionSubtopology(
  w: Writer,
  subtopology: TopologyDescriptionSubtopology,
): void {
  w.string(subtopology.subtopologyId)
  w.array(subtopology.nodes, encodeTopologyDescriptionNode)
  w.tags()
}

function encodeTopologyDescriptionNode(w: Writer, node: TopologyDescriptionNode): void {
  w.string(node.name)
  w.int8(node.nodeType)
  w.stringArray(node.sourceTopics)
  w.nullableString(node.sinkTopic)
  w.stringArray(node.stores)
  w.stringArray(node.successors)
  w.tags()
}

function encodeTopologyDescriptionGlobalStore(
  w: Writer,
  store: TopologyDescriptionGlobalStore,
): void {
  w.struct(store.source, encodeTopologyDescriptionNode)
  w.struct(store.processor, encodeTopologyDescriptionNode)
  w.tags()
}

export function decodeTopologyDescription(r: Reader): TopologyDescription {
  const description = {
    subtopologies: r.array(decodeTopologyDescriptionSubtopology),
    globalStores: r.array(decodeTopologyDescriptionGlobalStore),
  }
  r.tags()
  return description
}

function decodeTopologyDescriptionSubtopology(r: Reader): TopologyDescriptionSubtopology {
  const subtopology = {
    subtopologyId: r.string(),
    nodes: r.array(decodeTopologyDescriptionNode),
  }
  r.tags()
  return subtopology
}

function decodeTopologyDescriptionNode(r: Reader): TopologyDescriptionNode {
  const node = {
    name: r.string(),
    nodeType: r.int8(),
    sourceTopics: r.stringArray(),
    sinkTopic: r.nullableString(),
    stores: r.stringArray(),
    successors: r.stringArray(),
  }
  r.tags()
  return node
}

function decodeTopologyDescriptionGlobalStore(r: Reader): TopologyDescriptionGlobalStore {
  const store = {
    source: r.struct(decodeTopologyDescriptionNode),
    processor: r.struct(decodeTopologyDescriptionNode),
  }
  r.tags()
  return store
}
