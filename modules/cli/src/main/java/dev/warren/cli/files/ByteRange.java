package dev.warren.cli.files;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which bytes of a file are wanted (RFC 9110, section 14).
 *
 * @param first the offset of the first byte
 * @param length how many; 0 only where the whole of an empty file is meant
 */
record ByteRange(long first, long length) {
  private static final Pattern SINGLE = Pattern.compile("bytes=([0-9]{0,18})-([0-9]{0,18})");

  /** Nothing of what was asked for exists: 416. */
  static final ByteRange UNSATISFIABLE = new ByteRange(-1, 0);

  /**
   * Reads a Range header. What is no single range of bytes may be ignored, says the RFC: the answer
   * then is the whole file.
   *
   * @param header null where there is none
   * @return null for the whole file
   */
  static ByteRange of(String header, long size) {
    Matcher range = SINGLE.matcher(header == null ? "" : header.strip());
    if (!range.matches() || (range.group(1).isEmpty() && range.group(2).isEmpty())) {
      return null;
    }
    if (range.group(1).isEmpty()) {
      long suffix = Math.min(Long.parseLong(range.group(2)), size);
      return suffix == 0 ? UNSATISFIABLE : new ByteRange(size - suffix, suffix);
    }
    long first = Long.parseLong(range.group(1));
    long last = range.group(2).isEmpty() ? Long.MAX_VALUE : Long.parseLong(range.group(2));
    if (last < first) {
      return null;
    }
    if (first >= size) {
      return UNSATISFIABLE;
    }
    return new ByteRange(first, Math.min(last, size - 1) - first + 1);
  }
}
