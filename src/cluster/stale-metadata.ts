// Since when topics and partitions are only believed in from before: what a response does not mention, or has only an
// error for, stays known for a while.

/** In ms. */
const KEEP_THROUGH_ERRORS_MS = 30_000

/** The number that stands for the topic itself. */
const WHOLE = -1

export class StaleMetadata {
  private readonly byTopic = new Map<string, Map<number, number>>()

  /** Whether it is still believed in, although a response does not confirm it. */
  keeps(now: number, topic: string, partition: number = WHOLE): boolean {
    let ofTopic = this.byTopic.get(topic)
    if (ofTopic === undefined) {
      ofTopic = new Map()
      this.byTopic.set(topic, ofTopic)
    }
    const since = ofTopic.get(partition)
    if (since === undefined) ofTopic.set(partition, now)
    return since === undefined || now - since < KEEP_THROUGH_ERRORS_MS
  }

  /** It was confirmed, or is not believed in any more. */
  delete(topic: string, partition: number = WHOLE): void {
    const ofTopic = this.byTopic.get(topic)
    if (ofTopic?.delete(partition) && ofTopic.size === 0) this.byTopic.delete(topic)
  }

  /** The topic is not known any more, with all of its partitions. */
  forget(topic: string): void {
    this.byTopic.delete(topic)
  }
}
