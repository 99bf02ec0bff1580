// The cluster itself: its brokers, its features, its metadata quorum.

import { UnsupportedVersionError } from '../errors.ts'
import type { AclOperation } from '../protocol/acl-constants.ts'
import { addRaftVoter as addVoterApi } from '../protocol/messages/add-raft-voter.ts'
import { apiVersions } from '../protocol/messages/api-versions.ts'
import { describeCluster as describeApi } from '../protocol/messages/describe-cluster.ts'
import { describeQuorum } from '../protocol/messages/describe-quorum.ts'
import { metadata } from '../protocol/messages/metadata.ts'
import { removeRaftVoter as removeVoterApi } from '../protocol/messages/remove-raft-voter.ts'
import { unregisterBroker as unregisterApi } from '../protocol/messages/unregister-broker.ts'
import { unregisterController as unregisterControllerApi } from '../protocol/messages/unregister-controller.ts'
import { updateFeatures as updateApi } from '../protocol/messages/update-features.ts'
import type { WaitOptions } from '../types.ts'
import {
  checkInt,
  checkItem,
  checkItems,
  checkList,
  checkName,
  checkObject,
  checkOptions,
  checkUuid,
} from './checks.ts'
import { type FeatureUpgradeType, numberOf, operationsOf, upgradeTypes } from './constants.ts'
import type { AdminEngine } from './engine.ts'
import { itemError, tooOld } from './item-errors.ts'
import type { ValidateOptions } from './options.ts'
import { inOrderOf } from './routing.ts'

/** The cluster as a broker describes it. */
export interface ClusterDescription {
  clusterId: string | null
  /** With KRaft, a broker that passes requests on to the controller. -1: none is known. */
  controllerId: number
  brokers: ClusterBroker[]
  /** What this principal may do; null unless `includeAuthorizedOperations` was given. */
  authorizedOperations: AclOperation[] | null
}

export interface ClusterBroker {
  nodeId: number
  host: string
  port: number
  rack: string | null
  /** Registered and not running. Only with `includeFencedBrokers`. */
  isFenced: boolean
}

export interface DescribeClusterOptions extends WaitOptions {
  /** @defaultValue false */
  includeAuthorizedOperations?: boolean
  /** Brokers that are registered and do not run (KIP-1073). @defaultValue false */
  includeFencedBrokers?: boolean
}

/** The levels of features, such as `metadata.version` and `transaction.version` (KIP-584). */
export interface FeatureDescription {
  /** What the cluster has finalized. */
  finalized: { feature: string; minVersionLevel: number; maxVersionLevel: number }[]
  /** What the broker that was asked supports. */
  supported: { feature: string; minVersion: number; maxVersion: number }[]
  /** Null: nothing is finalized. */
  finalizedFeaturesEpoch: bigint | null
}

/** The level that a feature is to have; 0 disables it. */
export interface FeatureUpdate {
  feature: string
  maxVersionLevel: number
  /** @defaultValue 'UPGRADE' */
  upgradeType?: FeatureUpgradeType
}

/** The KRaft quorum that keeps the cluster's metadata (KIP-595). */
export interface QuorumDescription {
  leaderId: number
  leaderEpoch: number
  highWatermark: bigint
  voters: QuorumReplica[]
  observers: QuorumReplica[]
  /** The controllers' addresses; empty with brokers before 3.8. */
  nodes: { nodeId: number; listeners: { name: string; host: string; port: number }[] }[]
}

/** A voter or an observer of the quorum. */
export interface QuorumReplica {
  replicaId: number
  /** The zero UUID where it is not known. */
  replicaDirectoryId: string
  logEndOffset: bigint
  /** Ms since 1970; null: not known. */
  lastFetchTimestamp: number | null
  lastCaughtUpTimestamp: number | null
}

/** A controller that is to become a voter. */
export interface RaftVoter {
  voterId: number
  /** The directory id in the `meta.properties` of the controller's metadata log. */
  voterDirectoryId: string
  /** Where the other controllers reach it. */
  listeners: readonly { name: string; host: string; port: number }[]
}

export interface RaftVoterOptions extends WaitOptions {
  /** The controllers refuse the change if the cluster has another id. @defaultValue not checked */
  clusterId?: string
}

export async function describeCluster(
  engine: AdminEngine,
  options: DescribeClusterOptions = {},
): Promise<ClusterDescription> {
  const name = 'describeCluster()'
  checkOptions(name, options)
  const { includeAuthorizedOperations = false, includeFencedBrokers = false } = options
  const call = engine.begin(name, options, ['includeAuthorizedOperations', 'includeFencedBrokers'])
  try {
    const { brokers, clusterId, controllerId, clusterAuthorizedOperations } = await call.one(
      describeApi,
      (version) => {
        if (includeFencedBrokers && version < 2) throw tooOld(name, 'list fenced brokers', '4.0')
        return {
          includeClusterAuthorizedOperations: includeAuthorizedOperations,
          endpointType: engine.cluster.options.usesControllers ? 2 : 1,
          includeFencedBrokers,
        }
      },
      'any',
    )
    return {
      clusterId,
      controllerId,
      brokers: brokers
        .map(({ brokerId, ...broker }) => ({ nodeId: brokerId, ...broker }))
        .sort((a, b) => a.nodeId - b.nodeId),
      authorizedOperations: operationsOf(clusterAuthorizedOperations),
    }
  } catch (error) {
    if (!(error instanceof UnsupportedVersionError) || includeFencedBrokers) throw error
  }
  const found = await call.one(
    metadata,
    (version) => ({
      topics: [],
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: includeAuthorizedOperations && version >= 8,
      includeTopicAuthorizedOperations: false,
    }),
    'any',
  )
  return {
    clusterId: found.clusterId,
    controllerId: found.controllerId,
    brokers: found.brokers
      .map((broker) => ({ ...broker, isFenced: false }))
      .sort((a, b) => a.nodeId - b.nodeId),
    authorizedOperations: operationsOf(found.clusterAuthorizedOperations),
  }
}

export async function unregisterBroker(
  engine: AdminEngine,
  brokerId: number,
  options: WaitOptions = {},
): Promise<void> {
  const name = 'unregisterBroker()'
  checkInt(name, 'brokerId', brokerId)
  const call = engine.begin(name, options)
  await call.one(unregisterApi, () => ({ brokerId }), 'controller', { what: `broker ${brokerId}` })
}

export async function unregisterController(
  engine: AdminEngine,
  controllerId: number,
  options: WaitOptions = {},
): Promise<void> {
  const name = 'unregisterController()'
  checkInt(name, 'controllerId', controllerId)
  const call = engine.begin(name, options)
  await call.one(unregisterControllerApi, () => ({ controllerId }), 'controller', {
    what: `controller ${controllerId}`,
  })
}

export async function describeFeatures(
  engine: AdminEngine,
  options: WaitOptions = {},
): Promise<FeatureDescription> {
  const call = engine.begin('describeFeatures()', options)
  const found = await call.one(
    apiVersions,
    () => ({
      clientSoftwareName: 'kafkawire',
      clientSoftwareVersion: '0',
      clusterId: null,
      nodeId: -1,
    }),
    'any',
  )
  return {
    finalized: found.finalizedFeatures
      .map(({ name, minVersionLevel, maxVersionLevel }) => ({
        feature: name,
        minVersionLevel,
        maxVersionLevel,
      }))
      .sort(byFeature),
    supported: found.supportedFeatures
      .map(({ name, minVersion, maxVersion }) => ({ feature: name, minVersion, maxVersion }))
      .sort(byFeature),
    finalizedFeaturesEpoch: found.finalizedFeaturesEpoch < 0n ? null : found.finalizedFeaturesEpoch,
  }
}

export async function updateFeatures(
  engine: AdminEngine,
  updates: Iterable<FeatureUpdate>,
  options: ValidateOptions = {},
): Promise<void> {
  const name = 'updateFeatures()'
  checkOptions(name, options)
  const wanted = checkList(name, 'updates', updates).map((update) => {
    checkItem(name, 'each of updates', update, ['feature', 'maxVersionLevel', 'upgradeType'])
    const { feature, maxVersionLevel, upgradeType = 'UPGRADE' } = update
    checkName(name, 'feature', feature)
    checkInt(name, `maxVersionLevel of "${feature}"`, maxVersionLevel)
    return {
      feature,
      maxVersionLevel,
      upgradeType: numberOf(name, `upgradeType of "${feature}"`, upgradeTypes, upgradeType),
    }
  })
  const { validateOnly = false } = options
  const call = engine.begin(name, options, ['validateOnly'])
  await call.each(wanted, {
    nameOf: ({ feature }) => `feature "${feature}"`,
    send: async ({ target, items }) => {
      const timeoutMs = call.brokerMs
      const response = await call.send(
        updateApi,
        (version) => ({
          timeoutMs,
          // v0 knows only that a level may be lowered, not how much may be lost by it.
          featureUpdates: items.map((item) => ({
            ...item,
            allowDowngrade: version === 0 && item.upgradeType !== upgradeTypes.UPGRADE,
            upgradeType: version === 0 ? upgradeTypes.UPGRADE : item.upgradeType,
          })),
          validateOnly: checkValidateOnly(name, validateOnly, version),
        }),
        target,
      )
      const { errorCode, errorMessage, results } = response
      // From v2 on there is one outcome for all.
      if (errorCode !== 0 || results.length === 0) {
        return items.map(() => ({ errorCode, errorMessage, value: undefined }))
      }
      return inOrderOf(
        items,
        ({ feature }) => feature,
        results,
        ({ feature }) => feature,
        (result) => ({
          errorCode: result.errorCode,
          errorMessage: result.errorMessage,
          value: undefined,
        }),
      )
    },
  })
}

export async function describeMetadataQuorum(
  engine: AdminEngine,
  options: WaitOptions = {},
): Promise<QuorumDescription> {
  const name = 'describeMetadataQuorum()'
  const call = engine.begin(name, options)
  const body = {
    topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }],
  }
  const response = await call.one(describeQuorum, () => body, 'any', {
    codeOf: ({ errorCode, errorMessage, topics }) => {
      const partition = topics[0]?.partitions[0]
      if (errorCode !== 0 || partition === undefined)
        return { errorCode, errorMessage, value: null }
      return { ...partition, value: null }
    },
  })
  const partition = response.topics[0]?.partitions[0]
  if (partition === undefined) {
    throw itemError(-1, name, { errorMessage: 'the broker says nothing of the metadata quorum' })
  }
  return {
    leaderId: partition.leaderId,
    leaderEpoch: partition.leaderEpoch,
    highWatermark: partition.highWatermark,
    voters: partition.currentVoters.map(replica),
    observers: partition.observers.map(replica),
    nodes: response.nodes,
  }
}

export async function addRaftVoter(
  engine: AdminEngine,
  voter: RaftVoter,
  options: RaftVoterOptions = {},
): Promise<void> {
  const name = 'addRaftVoter()'
  checkOptions(name, options)
  checkObject(name, 'voter', voter)
  const { voterId, voterDirectoryId } = voter
  checkInt(name, 'voterId', voterId)
  checkUuid(name, 'voterDirectoryId', voterDirectoryId)
  const listeners = checkItems(name, 'listeners', voter.listeners)
  for (const { name: listener, host, port } of listeners) {
    checkName(name, 'name of each of listeners', listener)
    checkName(name, 'host of each of listeners', host)
    checkInt(name, 'port of each of listeners', port)
  }
  const { clusterId = null } = options
  const call = engine.begin(name, options, ['clusterId'])
  await call.one(
    addVoterApi,
    () => ({
      clusterId,
      timeoutMs: call.brokerMs,
      voterId,
      voterDirectoryId,
      listeners,
      ackWhenCommitted: true,
    }),
    'any',
    { what: `voter ${voterId}` },
  )
}

export async function removeRaftVoter(
  engine: AdminEngine,
  voter: { voterId: number; voterDirectoryId: string },
  options: RaftVoterOptions = {},
): Promise<void> {
  const name = 'removeRaftVoter()'
  checkOptions(name, options)
  checkObject(name, 'voter', voter)
  const { voterId, voterDirectoryId } = voter
  checkInt(name, 'voterId', voterId)
  checkUuid(name, 'voterDirectoryId', voterDirectoryId)
  const { clusterId = null } = options
  const call = engine.begin(name, options, ['clusterId'])
  const body = { clusterId, voterId, voterDirectoryId }
  await call.one(removeVoterApi, () => body, 'any', { what: `voter ${voterId}` })
}

/** v0 would make the change. */
function checkValidateOnly(call: string, validateOnly: boolean, version: number): boolean {
  if (validateOnly && version === 0) throw tooOld(call, 'validate feature updates', '3.3')
  return validateOnly
}

function replica(state: {
  replicaId: number
  replicaDirectoryId: string
  logEndOffset: bigint
  lastFetchTimestamp: bigint
  lastCaughtUpTimestamp: bigint
}): QuorumReplica {
  const { replicaId, replicaDirectoryId, logEndOffset } = state
  return {
    replicaId,
    replicaDirectoryId,
    logEndOffset,
    lastFetchTimestamp: timeOf(state.lastFetchTimestamp),
    lastCaughtUpTimestamp: timeOf(state.lastCaughtUpTimestamp),
  }
}

function timeOf(timestamp: bigint): number | null {
  return timestamp < 0n ? null : Number(timestamp)
}

function byFeature(a: { feature: string }, b: { feature: string }): number {
  return a.feature < b.feature ? -1 : 1
}
