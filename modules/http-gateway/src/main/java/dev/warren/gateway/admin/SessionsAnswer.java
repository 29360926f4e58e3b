package dev.warren.gateway.admin;

import java.util.List;

/**
 * A page of the list of sessions.
 *
 * @param sessions sorted by realm and id
 * @param more whether there are further ones; they come with {@code after} = the last one's session
 * @param silent the members that did not answer: offline sessions whose entity lives there are
 *     missing
 * @param control {@value #ANSWERED}, {@value #NONE} or {@value #UNAVAILABLE}; without an answer the
 *     page has what this gateway's route table knows
 */
public record SessionsAnswer(
    List<SessionAnswer> sessions, boolean more, List<String> silent, String control) {
  static final String ANSWERED = "answered";
  static final String NONE = "none";
  static final String UNAVAILABLE = "unavailable";

  public SessionsAnswer {
    sessions = List.copyOf(sessions);
    silent = List.copyOf(silent);
  }
}
