/**
 * How the agent reaches a target: look its name up once, judge every address by the rules, connect
 * to one that is allowed. Start at {@link dev.warren.agent.dial.TargetDialer}. Nothing here knows
 * tunnels or frames: who asks gets a connected channel or the reason why there is none.
 */
package dev.warren.agent.dial;
