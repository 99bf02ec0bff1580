// Members of a group that die, leave and join. The brokers are well.

import type { Scenario } from './scenario.ts'

export const groupChurn: Scenario = {
  id: 19,
  name: 'group churn',
  seconds: 60,
  needsConsumers: true,
  targets: { noFailures: true, noRepeats: true },
  async run(stage) {
    const { consumers, random } = stage
    if (consumers === null) throw new Error('there is no group to harm')
    do {
      const isKilled = random.next() < 0.6
      const index = random.below(consumers.memberCount)
      const name = isKilled ? await consumers.kill(index) : await consumers.leave(index)
      stage.log(isKilled ? `kill -9 of ${name}` : `${name} leaves`)
      await stage.sleep(random.between(200, 8000))
      stage.log(`${await consumers.join()} joins`)
      if (consumers.memberCount < 3 && random.next() < 0.5) {
        stage.log(`${await consumers.join()} joins`)
      }
      await stage.sleep(random.between(2000, 5000))
    } while (stage.secondsLeft > 5)
  },
}
