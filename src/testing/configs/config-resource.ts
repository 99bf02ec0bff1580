// What every resource with configurations has in common: how it is read, checked and changed.

import { errorCodes } from '../../protocol/error-codes.ts'
import type { ConfigSynonym } from './broker-configs.ts'
import type { ConfigType } from './config-definition.ts'

export interface ConfigProblem {
  readonly errorCode: number
  readonly errorMessage: string | null
}

/** One configuration as DescribeConfigs shows it. */
export interface DescribedConfig {
  readonly name: string
  readonly value: string | null
  readonly type: ConfigType
  readonly isSensitive?: boolean
  readonly readOnly: boolean
  readonly source: number
  readonly synonyms: readonly ConfigSynonym[]
}

/** A resource that exists, or could. */
export interface ConfigResource {
  /** What is set on the resource itself. */
  readonly given: ReadonlyMap<string, string>
  describe(): DescribedConfig[]
  typeOf(name: string): ConfigType | null
  /** What is wrong with these configurations in the place of the given ones. */
  findProblem(
    configs: ReadonlyMap<string, string>,
    changed: readonly string[],
  ): ConfigProblem | null
  replace(configs: Map<string, string>): void
}

export function invalid(errorMessage: string): ConfigProblem {
  return { errorCode: errorCodes.INVALID_REQUEST, errorMessage }
}

export function invalidConfig(errorMessage: string | null): ConfigProblem | null {
  return errorMessage === null ? null : { errorCode: errorCodes.INVALID_CONFIG, errorMessage }
}
