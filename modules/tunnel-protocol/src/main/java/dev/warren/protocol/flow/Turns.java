package dev.warren.protocol.flow;

import java.util.ArrayDeque;

/**
 * Whose turn it is to send: groups in turn, within a group its members in turn, each for a quantum
 * of bytes (deficit round robin; PROTOCOL.md, section 9). A newcomer waits for at most one quantum
 * of each active member of its group and of each active group. The groups are the sessions of a
 * link; a tunnel has one.
 *
 * @param <M> what takes turns
 */
public final class Turns<M extends Turns.Member<M>> {
  /** Takes turns. The fields belong to {@link Turns}. */
  public abstract static class Member<M extends Member<M>> {
    private Group<M> group;
    private boolean waiting;
    private int left;
  }

  /** Members that share a turn among the groups. */
  public static final class Group<M extends Member<M>> {
    private final ArrayDeque<M> members = new ArrayDeque<>();
    private boolean waiting;
    private int left;
  }

  private final int quantum;
  private final ArrayDeque<Group<M>> groups = new ArrayDeque<>();

  /**
   * @param quantum bytes that a member may send in one turn
   */
  public Turns(int quantum) {
    this.quantum = quantum;
  }

  /** Joins the members of {@code group}; to be told once, before anything else. */
  public void join(M member, Group<M> group) {
    ((Member<M>) member).group = group;
  }

  /** The member has something to send. Repeated calls do no harm. */
  public void ready(M member) {
    Member<M> m = member;
    if (m.waiting) {
      return;
    }
    m.waiting = true;
    m.left = quantum;
    m.group.members.addLast(member);
    if (!m.group.waiting) {
      m.group.waiting = true;
      m.group.left = quantum;
      groups.addLast(m.group);
    }
  }

  public boolean isEmpty() {
    return groups.isEmpty();
  }

  /**
   * Whose turn it is, or null. It must be followed by {@link #sent}, {@link #pause} or both for
   * this member.
   */
  public M next() {
    Group<M> group = groups.peekFirst();
    return group == null ? null : group.members.peekFirst();
  }

  /** How much the member whose turn it is may still send in it (bytes, at least 1). */
  public int allowance(M member) {
    Member<M> m = member;
    return Math.min(m.left, m.group.left);
  }

  /**
   * The member whose turn it is sent so much: at the end of its quantum it goes to the end of the
   * line, and so does its group at the end of the group's. Where it has no more, {@link #pause}
   * follows.
   */
  public void sent(M member, int bytes) {
    Member<M> m = member;
    Group<M> group = m.group;
    m.left -= bytes;
    group.left -= bytes;
    if (m.left <= 0) {
      m.left = quantum;
      group.members.removeFirst();
      group.members.addLast(member);
    }
    if (group.left <= 0) {
      group.left = quantum;
      groups.removeFirst();
      groups.addLast(group);
    }
  }

  /** The member has nothing to send now, or is gone. */
  public void pause(M member) {
    Member<M> m = member;
    if (!m.waiting) {
      return;
    }
    m.waiting = false;
    Group<M> group = m.group;
    if (group.members.peekLast() == member) {
      group.members.removeLast(); // it has just used up its quantum
    } else {
      group.members.removeFirstOccurrence(member);
    }
    if (group.members.isEmpty()) {
      group.waiting = false;
      if (groups.peekLast() == group) {
        groups.removeLast();
      } else {
        groups.removeFirstOccurrence(group);
      }
    }
  }
}
