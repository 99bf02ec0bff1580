// The list of scenarios, by number.

import { answerEater, expiryAtTheEdge, reorderByError, topicLost } from './answers.ts'
import {
  allDown,
  cleanRoll,
  controllerKill,
  leaderKill,
  leaderPaused,
  leadershipShuffle,
  shortPauses,
  twoDown,
} from './brokers.ts'
import { churn } from './churn.ts'
import { firstRefused } from './first-batches.ts'
import { groupChurn } from './members.ts'
import {
  brokerCut,
  calm,
  clientCutOff,
  connectionChurn,
  requestCutter,
  slowDrip,
} from './network.ts'
import type { Scenario } from './scenario.ts'
import { bigRecords, topicRecreated } from './topics.ts'

export const scenarios: readonly Scenario[] = [
  calm,
  leaderKill,
  cleanRoll,
  leaderPaused,
  shortPauses,
  controllerKill,
  twoDown,
  allDown,
  clientCutOff,
  brokerCut,
  connectionChurn,
  answerEater,
  requestCutter,
  slowDrip,
  reorderByError,
  leadershipShuffle,
  topicLost,
  topicRecreated,
  groupChurn,
  bigRecords,
  expiryAtTheEdge,
  firstRefused,
  churn,
]
