// Starts a program that serves until it is ended, and waits until it listens.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { waitUntil } from '../harness/wait-until.ts'

export interface Daemon {
  stop(): Promise<void>
}

/** @param port where it listens */
export async function startDaemon(
  command: string,
  args: readonly string[],
  port: number,
  env: Record<string, string> = {},
): Promise<Daemon> {
  const path = `${process.env.PATH}:/usr/sbin:/sbin`
  const child = spawn(command, args, {
    env: { ...process.env, PATH: path, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (data) => {
    output += data
  })
  child.stderr.on('data', (data) => {
    output += data
  })
  const ended = once(child, 'exit')
  const daemon = {
    stop: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
  try {
    await waitUntil(
      `${command} listens`,
      async () => {
        if (child.exitCode !== null) throw new Error(`${command} ended: ${output}`)
        return isListening(port)
      },
      { timeoutMs: 30_000 },
    )
  } catch (error) {
    await daemon.stop()
    throw error
  }
  return daemon
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
