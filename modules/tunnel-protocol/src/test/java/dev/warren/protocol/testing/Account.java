package dev.warren.protocol.testing;

import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import java.util.HashMap;
import java.util.Map;

/**
 * An account of one connection that is kept beside the two sides, from the frames alone: whoever
 * sends beyond the credit that has reached it, out of order or after its last word fails the test.
 * The sides are 0 (it dialled) and 1.
 */
public final class Account {
  private static final class Entry {
    final int opener;
    boolean answerLeft;
    boolean answerArrived;
    final long[] sent = new long[2];
    final long[] limit = new long[2]; // what each side may send, as far as it has heard
    final long[] told = new long[2]; // what each side was told, heard or not
    final boolean[] finished = new boolean[2];
    final boolean[] over = new boolean[2]; // this side sent RESET or REFUSED

    Entry(int opener) {
      this.opener = opener;
    }
  }

  private final Map<Long, Entry> entries = new HashMap<>();
  private final long[] highest = {-1, 0};
  private final boolean[] greeted = new boolean[2];
  private final boolean[] gone = new boolean[2];

  /** A side hands a frame to the transport. */
  public void left(int side, Frame frame) {
    check(!gone[side], frame, "GOAWAY is the last frame");
    if (frame instanceof Frame.OfTunnel) {
      if (frame instanceof Frame.Hello) {
        check(side == 0 && !greeted[0], frame, "HELLO comes first, from the side that dialled");
        greeted[0] = true;
      } else if (frame instanceof Frame.Welcome) {
        check(
            side == 1 && !greeted[1], frame, "WELCOME comes once, from the side that was dialled");
        greeted[1] = true;
      } else if (frame instanceof Frame.GoAway) {
        gone[side] = true;
      } else {
        check(greeted[side], frame, "nothing comes before HELLO and WELCOME");
      }
      return;
    }
    check(greeted[side], frame, "nothing comes before HELLO and WELCOME");
    long number = ((Frame.OfStream) frame).stream();
    if (frame instanceof Frame.Open open) {
      check((number & 1) == 1 - side, frame, "odd numbers belong to the side that dialled");
      check(number > highest[side], frame, "numbers grow");
      highest[side] = number;
      Entry entry = new Entry(side);
      entry.told[1 - side] = open.credit();
      entries.put(number, entry);
      return;
    }
    Entry entry = entries.get(number);
    check(entry != null, frame, "the stream was never opened");
    check(!entry.over[side], frame, "RESET and REFUSED are a side's last word");
    if (frame instanceof Frame.Opened opened) {
      check(side != entry.opener && !entry.answerLeft, frame, "one answer, from the other side");
      entry.answerLeft = true;
      entry.told[entry.opener] = opened.credit();
    } else if (frame instanceof Frame.Refused) {
      check(side != entry.opener && !entry.answerLeft, frame, "one answer, from the other side");
      entry.answerLeft = true;
      entry.over[side] = true;
    } else if (frame instanceof Frame.Data data) {
      int length = data.bytes().readableBytes();
      check(mayTalk(entry, side), frame, "DATA before OPENED");
      check(!entry.finished[side], frame, "DATA after FINISH");
      check(data.offset() == entry.sent[side], frame, "offset; expected " + entry.sent[side]);
      check(
          data.offset() + length <= entry.limit[side],
          frame,
          length + " bytes beyond the credit of " + entry.limit[side]);
      entry.sent[side] += length;
    } else if (frame instanceof Frame.Credit credit) {
      check(
          credit.limit() >= entry.told[1 - side],
          frame,
          "takes back credit; told before: " + entry.told[1 - side]);
      check(
          credit.received() <= entry.sent[1 - side],
          frame,
          "received more than was sent: " + entry.sent[1 - side]);
      check(
          credit.limit() - credit.received() <= CreditBudget.LARGEST_WINDOW,
          frame,
          "a window beyond " + CreditBudget.LARGEST_WINDOW);
      entry.told[1 - side] = credit.limit();
    } else if (frame instanceof Frame.Finish finish) {
      check(mayTalk(entry, side) && !entry.finished[side], frame, "FINISH out of order");
      check(finish.offset() == entry.sent[side], frame, "offset; expected " + entry.sent[side]);
      entry.finished[side] = true;
    } else if (frame instanceof Frame.Reset) {
      entry.over[side] = true;
    }
  }

  /** A frame has reached a side. */
  public void arrived(int side, Frame frame) {
    if (!(frame instanceof Frame.OfStream ofStream)) {
      return;
    }
    Entry entry = entries.get(ofStream.stream());
    if (entry == null) {
      return;
    }
    if (frame instanceof Frame.Open open) {
      entry.limit[side] = open.credit();
    } else if (frame instanceof Frame.Opened opened) {
      entry.answerArrived = true;
      entry.limit[side] = Math.max(entry.limit[side], opened.credit());
    } else if (frame instanceof Frame.Credit credit) {
      entry.limit[side] = Math.max(entry.limit[side], credit.limit());
    }
  }

  private static boolean mayTalk(Entry entry, int side) {
    return side == entry.opener ? entry.answerArrived : entry.answerLeft;
  }

  /** How many bytes a side has sent on a stream. */
  public long sent(int side, long stream) {
    Entry entry = entries.get(stream);
    return entry == null ? 0 : entry.sent[side];
  }

  /** How far a side may send on a stream, as far as it was told. */
  public long told(int side, long stream) {
    Entry entry = entries.get(stream);
    return entry == null ? 0 : entry.told[side];
  }

  /** How far a side may send on a stream, as far as it has heard. */
  public long limit(int side, long stream) {
    Entry entry = entries.get(stream);
    return entry == null ? 0 : entry.limit[side];
  }

  private static void check(boolean right, Frame frame, String rule) {
    if (!right) {
      throw new AssertionError(frame + " breaks a rule: " + rule);
    }
  }
}
