// The admin client: everything that Kafka's scripts do to a cluster, from code.

import { withAnySignal } from '../async/any-signal.ts'
import { timeoutSignal } from '../async/timers.ts'
import { checkWaitOptions, type WaitLimits } from '../async/wait.ts'
import { Cluster } from '../cluster/cluster.ts'
import type { Metric } from '../metrics/metric.ts'
import type { ClusterOptions } from '../options/kafka-options.ts'
import { readAll } from '../read-argument.ts'
import { ClientTelemetry } from '../telemetry/client-telemetry.ts'
import type { WaitOptions } from '../types.ts'
import {
  type Acl,
  type AclBinding,
  type AclFilter,
  createAcls,
  deleteAcls,
  describeAcls,
} from './acls.ts'
import {
  addRaftVoter,
  type ClusterDescription,
  type DescribeClusterOptions,
  describeCluster,
  describeFeatures,
  describeMetadataQuorum,
  type FeatureDescription,
  type FeatureUpdate,
  type QuorumDescription,
  type RaftVoter,
  type RaftVoterOptions,
  removeRaftVoter,
  unregisterBroker,
  unregisterController,
  updateFeatures,
} from './cluster-info.ts'
import {
  type CreateDelegationTokenOptions,
  createDelegationToken,
  type DelegationToken,
  type DescribeDelegationTokensOptions,
  describeDelegationTokens,
  type ExpireDelegationTokenOptions,
  expireDelegationToken,
  type RenewDelegationTokenOptions,
  renewDelegationToken,
} from './delegation-tokens.ts'
import { AdminEngine } from './engine.ts'
import { GroupsAdmin } from './groups-admin.ts'
import {
  alterReplicaLogDirs,
  type BrokerLogDirs,
  type DescribeLogDirsOptions,
  describeLogDirs,
  type ReplicaLogDir,
} from './log-dirs.ts'
import type { AdminSettings, ValidateOptions } from './options.ts'
import {
  alterClientQuotas,
  type ClientQuota,
  type ClientQuotaAlteration,
  type ClientQuotaFilter,
  describeClientQuotas,
} from './quotas.ts'
import {
  alterPartitionReassignments,
  type ListPartitionReassignmentsOptions,
  listPartitionReassignments,
  type NewPartitionReassignment,
  type PartitionReassignment,
} from './reassignments.ts'
import {
  alterUserScramCredentials,
  describeUserScramCredentials,
  type ScramCredentialDeletion,
  type ScramCredentialUpsertion,
  type UserScramCredentials,
} from './scram-users.ts'

/**
 * Administers a cluster: topics, configs, groups, security, brokers. Made by `kafka.admin()`; it has
 * its own connections, which it opens when they are needed.
 *
 * A call about several things asks about all of them at once, each where it has to be asked: one that
 * fails does not keep the others from being done. If one or more fail, the call throws an
 * {@link AdminError}, whose `results` has the outcome of each. What may pass is retried until
 * `timeoutMs` (by default `defaultApiTimeoutMs`) is over; then a `TimeoutError` says why.
 */
export class Admin extends GroupsAdmin {
  /** Resolves when the admin client is closed. */
  readonly closed: Promise<void>
  private readonly cluster: Cluster
  private readonly telemetry: ClientTelemetry
  private readonly defaultMs: number
  private closing: Promise<void> | null = null
  private resolveClosed: () => void = () => {}

  /** Use `kafka.admin()`. */
  constructor(connection: ClusterOptions, settings: AdminSettings) {
    const cluster = new Cluster(connectionOf(connection, settings))
    super(new AdminEngine(cluster, settings.defaultApiTimeoutMs))
    this.cluster = cluster
    this.defaultMs = settings.defaultApiTimeoutMs
    this.telemetry = new ClientTelemetry(
      { cluster, readMetrics: () => this.metrics(), resource: () => ({}) },
      settings.enableMetricsPush,
    )
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve
    })
  }

  /** Returns the metrics of this client's connections. */
  metrics(): Metric[] {
    return this.cluster.readMetrics('admin-client')
  }

  /**
   * The id by which the brokers know this client, when they take metrics that clients push (KIP-714).
   * @param options `timeoutMs` defaults to `defaultApiTimeoutMs`
   * @throws {ConfigError} with `enableMetricsPush: false`
   * @throws {UnsupportedVersionError} when the brokers take no metrics of clients
   * @throws {TimeoutError} when no broker responds in time
   */
  async clientInstanceId(options?: WaitOptions): Promise<string> {
    const limits = checkWaitOptions(options, 'clientInstanceId()', { defaultMs: this.defaultMs })
    this.engine.checkOpen('clientInstanceId()')
    return await this.telemetry.clientInstanceId(limits)
  }

  /**
   * Lists the ACLs that match a filter; without one, all.
   */
  async describeAcls(filter?: AclFilter, options?: WaitOptions): Promise<AclBinding[]> {
    return describeAcls(this.engine, ...readAll('describeAcls()', [filter, options]))
  }

  /**
   * Creates ACLs. One that exists already stays as it is.
   * @throws {AdminError} with each ACL's outcome
   */
  async createAcls(acls: Iterable<Acl>, options?: WaitOptions): Promise<void> {
    return createAcls(this.engine, ...readAll('createAcls()', [acls, options]))
  }

  /**
   * Deletes the ACLs that match one or more filters, and gives those that were deleted.
   * @throws {AdminError} with each filter's outcome
   */
  async deleteAcls(filters: Iterable<AclFilter>, options?: WaitOptions): Promise<AclBinding[]> {
    return deleteAcls(this.engine, ...readAll('deleteAcls()', [filters, options]))
  }

  /**
   * Lists SCRAM users with their mechanisms and iterations; without `users`, all.
   * @throws {AdminError} with each user's outcome
   */
  async describeUserScramCredentials(
    users?: Iterable<string>,
    options?: WaitOptions,
  ): Promise<UserScramCredentials[]> {
    return describeUserScramCredentials(
      this.engine,
      ...readAll('describeUserScramCredentials()', [users, options]),
    )
  }

  /**
   * Sets and removes passwords of SCRAM users. Passwords are hashed here and do not leave the process.
   * @throws {AdminError} with each user's outcome
   */
  async alterUserScramCredentials(
    alterations: Iterable<ScramCredentialUpsertion | ScramCredentialDeletion>,
    options?: WaitOptions,
  ): Promise<void> {
    return alterUserScramCredentials(
      this.engine,
      ...readAll('alterUserScramCredentials()', [alterations, options]),
    )
  }

  /**
   * Lists the quotas of users, client ids and addresses.
   */
  async describeClientQuotas(
    filter?: ClientQuotaFilter,
    options?: WaitOptions,
  ): Promise<ClientQuota[]> {
    return describeClientQuotas(
      this.engine,
      ...readAll('describeClientQuotas()', [filter, options]),
    )
  }

  /**
   * Sets and removes quotas.
   * @throws {AdminError} with each entity's outcome
   */
  async alterClientQuotas(
    alterations: Iterable<ClientQuotaAlteration>,
    options?: ValidateOptions,
  ): Promise<void> {
    return alterClientQuotas(this.engine, ...readAll('alterClientQuotas()', [alterations, options]))
  }

  /**
   * Creates a delegation token. Needs a connection with SASL or mutual TLS.
   */
  async createDelegationToken(options?: CreateDelegationTokenOptions): Promise<DelegationToken> {
    return createDelegationToken(this.engine, ...readAll('createDelegationToken()', [options]))
  }

  /**
   * Lists the delegation tokens that this principal may see.
   */
  async describeDelegationTokens(
    options?: DescribeDelegationTokensOptions,
  ): Promise<DelegationToken[]> {
    return describeDelegationTokens(
      this.engine,
      ...readAll('describeDelegationTokens()', [options]),
    )
  }

  /**
   * Renews a delegation token, and gives its new expiry (ms since 1970).
   */
  async renewDelegationToken(
    hmac: Uint8Array,
    options?: RenewDelegationTokenOptions,
  ): Promise<number> {
    return renewDelegationToken(this.engine, ...readAll('renewDelegationToken()', [hmac, options]))
  }

  /**
   * Ends a delegation token, at once by default, and gives its new expiry (ms since 1970).
   */
  async expireDelegationToken(
    hmac: Uint8Array,
    options?: ExpireDelegationTokenOptions,
  ): Promise<number> {
    return expireDelegationToken(
      this.engine,
      ...readAll('expireDelegationToken()', [hmac, options]),
    )
  }

  /**
   * Describes the cluster: its id, its controller, its brokers.
   */
  async describeCluster(options?: DescribeClusterOptions): Promise<ClusterDescription> {
    return describeCluster(this.engine, ...readAll('describeCluster()', [options]))
  }

  /**
   * Lists the finalized and the supported levels of features.
   */
  async describeFeatures(options?: WaitOptions): Promise<FeatureDescription> {
    return describeFeatures(this.engine, ...readAll('describeFeatures()', [options]))
  }

  /**
   * Raises or lowers the levels of features.
   * @throws {AdminError} with each feature's outcome
   */
  async updateFeatures(updates: Iterable<FeatureUpdate>, options?: ValidateOptions): Promise<void> {
    return updateFeatures(this.engine, ...readAll('updateFeatures()', [updates, options]))
  }

  /**
   * Describes the KRaft quorum: leader, voters, observers, and how far each has read.
   */
  async describeMetadataQuorum(options?: WaitOptions): Promise<QuorumDescription> {
    return describeMetadataQuorum(this.engine, ...readAll('describeMetadataQuorum()', [options]))
  }

  /**
   * Makes a controller a voter of the quorum (KIP-853).
   */
  async addRaftVoter(voter: RaftVoter, options?: RaftVoterOptions): Promise<void> {
    return addRaftVoter(this.engine, ...readAll('addRaftVoter()', [voter, options]))
  }

  /**
   * Takes a controller out of the quorum's voters (KIP-853).
   */
  async removeRaftVoter(
    voter: { voterId: number; voterDirectoryId: string },
    options?: RaftVoterOptions,
  ): Promise<void> {
    return removeRaftVoter(this.engine, ...readAll('removeRaftVoter()', [voter, options]))
  }

  /**
   * Removes the registration of a broker that does not run and will not come back.
   */
  async unregisterBroker(brokerId: number, options?: WaitOptions): Promise<void> {
    return unregisterBroker(this.engine, ...readAll('unregisterBroker()', [brokerId, options]))
  }

  /** Removes the registration of a controller that does not run and will not come back (Kafka 4.4). */
  async unregisterController(controllerId: number, options?: WaitOptions): Promise<void> {
    return unregisterController(
      this.engine,
      ...readAll('unregisterController()', [controllerId, options]),
    )
  }

  /**
   * Describes the brokers' log directories: replicas, their sizes, free space.
   * @throws {AdminError} with each broker's outcome
   */
  async describeLogDirs(options?: DescribeLogDirsOptions): Promise<BrokerLogDirs[]> {
    return describeLogDirs(this.engine, ...readAll('describeLogDirs()', [options]))
  }

  /**
   * Moves replicas to other log directories of their brokers (KIP-113).
   * @throws {AdminError} with each replica's outcome
   */
  async alterReplicaLogDirs(
    replicas: Iterable<ReplicaLogDir>,
    options?: WaitOptions,
  ): Promise<void> {
    return alterReplicaLogDirs(
      this.engine,
      ...readAll('alterReplicaLogDirs()', [replicas, options]),
    )
  }

  /**
   * Begins to move partitions to other brokers, or with `replicas: null` cancels a move.
   * @throws {AdminError} with each partition's outcome
   */
  async alterPartitionReassignments(
    reassignments: Iterable<NewPartitionReassignment>,
    options?: WaitOptions,
  ): Promise<void> {
    return alterPartitionReassignments(
      this.engine,
      ...readAll('alterPartitionReassignments()', [reassignments, options]),
    )
  }

  /**
   * Lists the moves that are in progress.
   */
  async listPartitionReassignments(
    options?: ListPartitionReassignmentsOptions,
  ): Promise<PartitionReassignment[]> {
    return listPartitionReassignments(
      this.engine,
      ...readAll('listPartitionReassignments()', [options]),
    )
  }

  /** Closes the connections. Calls that wait reject with a ClosedError. Idempotent. */
  async close(options?: WaitOptions): Promise<void> {
    const limits = checkWaitOptions(options, 'close()')
    this.engine.stop()
    this.closing ??= this.shutDown(limits)
    await this.closing
    limits.signal?.throwIfAborted()
  }

  private async shutDown({ timeoutMs, signal }: WaitLimits): Promise<void> {
    const limits = [signal, timeoutSignal(timeoutMs)]
    await withAnySignal(limits, (limit) => this.telemetry.close(limit))
    await this.cluster.close()
    this.resolveClosed()
  }

  /** `await using admin = kafka.admin()` closes it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function connectionOf(connection: ClusterOptions, settings: AdminSettings): ClusterOptions {
  const { bootstrapControllers } = settings
  if (bootstrapControllers === null) return connection
  return { ...connection, bootstrapServers: bootstrapControllers, usesControllers: true }
}
