import type { Settings } from '../settings/catalogue.ts'
import type { Department } from '../departments/departments.ts'
import { figureOf } from './agent-store.ts'
import {
  routingConfig,
  routingMethods,
  type RoutingConfig,
  type RoutingMethod,
  type RoutingSettings,
} from './choose-agent.ts'

/** The routing method in force. Chats that wait already are routed by the default while the setting names an unknown one. */
export function routingMethodOf(settings: Settings): RoutingMethod {
  const method = settings.Livechat_Routing_Method
  return isRoutingMethod(method) ? method : 'Auto_Selection'
}

/** Whether there is such a method: administrators may store any text (contract §E.3). */
export function isRoutingMethod(method: string): method is RoutingMethod {
  return (routingMethods as readonly string[]).includes(method)
}

/** The flags of the routing method in force. */
export function routingFlags(settings: Settings): RoutingConfig {
  return routingConfig(routingMethodOf(settings))
}

/** What routing goes by, for chats of this department or of none. */
export function routingSettings(settings: Settings, department?: Pick<Department, 'chatLimit'>): RoutingSettings {
  return {
    method: routingMethodOf(settings),
    acceptsWhenIdle: settings.Livechat_enabled_when_agent_idle,
    waitingQueue: settings.Livechat_waiting_queue,
    limitPerAgent: settings.Livechat_maximum_chats_per_agent,
    departmentLimit: figureOf(department?.chatLimit),
  }
}
