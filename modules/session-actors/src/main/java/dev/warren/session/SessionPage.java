package dev.warren.session;

import java.util.List;

/**
 * A part of the list of all sessions of the cluster.
 *
 * @param entries sorted by key
 * @param more whether there are further ones behind the last
 * @param silentNodes the addresses of the members that did not answer in time: what lives there is
 *     missing here
 */
public record SessionPage(List<SessionEntry> entries, boolean more, List<String> silentNodes) {
  public SessionPage {
    entries = List.copyOf(entries);
    silentNodes = List.copyOf(silentNodes);
  }
}
