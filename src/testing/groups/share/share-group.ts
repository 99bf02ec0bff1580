// One share group (KIP-932): its members and their assignments.

export class ShareGroup {
  readonly type: 'share' = 'share'
  readonly protocolType: string = 'share'
  readonly groupId: string
  readonly members: Map<string, never> = new Map<string, never>()

  constructor(groupId: string) {
    this.groupId = groupId
  }

  get isEmpty(): boolean {
    return this.members.size === 0
  }

  get state(): 'Empty' | 'Stable' {
    return this.isEmpty ? 'Empty' : 'Stable'
  }
}
