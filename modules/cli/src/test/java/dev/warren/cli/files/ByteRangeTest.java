package dev.warren.cli.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteRangeTest {
  @ParameterizedTest
  @CsvSource({
    "bytes=0-0, 0, 1",
    "bytes=0-99, 0, 100",
    "bytes=0-, 0, 100",
    "bytes=99-, 99, 1",
    "bytes=10-19, 10, 10",
    "bytes=50-1000, 50, 50",
    "bytes=-1, 99, 1",
    "bytes=-1000, 0, 100",
  })
  void rangeIsCutToTheFile(String header, long first, long length) {
    assertEquals(new ByteRange(first, length), ByteRange.of(header, 100));
  }

  @ParameterizedTest
  @ValueSource(strings = {"bytes=100-", "bytes=100-200", "bytes=-0"})
  void rangeBehindTheEndCannotBeSatisfied(String header) {
    assertSame(ByteRange.UNSATISFIABLE, ByteRange.of(header, 100));
  }

  @ParameterizedTest
  @NullSource
  @ValueSource(
      strings = {
        "",
        "bytes=",
        "bytes=-",
        "bytes=5-4",
        "bytes=0-1,3-4",
        "lines=0-1",
        "bytes=a-b",
        "bytes=9999999999999999999-"
      })
  void whatIsNoSingleRangeMeansTheWholeFile(String header) {
    assertNull(ByteRange.of(header, 100));
  }
}
