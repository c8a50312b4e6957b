// Departments and their agents as they travel.
import type { Static } from 'typebox'
import type { Department as WireDepartment, DepartmentAgent } from '@deskbell/contract/entities/department.ts'
import type { Loose } from '../../context.ts'
import type { Department, Member } from './departments.ts'

/** A department as the staff sees it (contract §B.6). */
export function departmentToWire(department: Department): Loose<Static<typeof WireDepartment>> {
  return {
    _id: department.id,
    name: department.name,
    enabled: department.isEnabled,
    archived: department.archivedAt !== undefined,
    email: department.email,
    showOnRegistration: department.showOnRegistration,
    showOnOfflineForm: department.showOnOfflineForm,
    numAgents: department.agentCount,
    description: department.description,
    requestTagBeforeClosingChat: department.asksForTags,
    chatClosingTags: department.closingTags,
    offlineMessageChannelName: department.offlineChannel,
    fallbackForwardDepartment: department.fallbackId,
    departmentsAllowedToForward: department.forwardsTo,
    allowReceiveForwardOffline: department.receivesWhileOffline,
    maxNumberSimultaneousChat: department.chatLimit,
    visitorInactivityTimeoutInSeconds: department.inactivityTimeout,
    abandonedRoomsCloseCustomMessage: department.abandonedMessage,
    waitingQueueMessage: department.waitingMessage,
    _createdAt: department.createdAt,
    _updatedAt: department.updatedAt,
  }
}

/** A department as visitors see it: no address, no agents (promises A24). */
export function departmentToPublic(department: Department) {
  const { forwardsTo = [] } = department
  return {
    _id: department.id,
    name: department.name,
    showOnRegistration: department.showOnRegistration,
    showOnOfflineForm: department.showOnOfflineForm,
    ...(forwardsTo.length > 0 && { departmentsAllowedToForward: forwardsTo }),
  }
}

/** An agent of a department (contract §B.7). */
export function memberToWire(member: Member): Loose<Static<typeof DepartmentAgent>> {
  return {
    _id: member.id,
    departmentId: member.departmentId,
    agentId: member.agentId,
    username: member.username,
    count: member.rotation,
    order: member.position,
    departmentEnabled: member.isEnabled,
    _updatedAt: member.updatedAt,
  }
}
