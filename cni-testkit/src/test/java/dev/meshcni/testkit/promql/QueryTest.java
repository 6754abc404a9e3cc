// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit.promql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The evaluator gives what Prometheus gives; the counters and the histogram are cases of Prometheus's own tests. */
class QueryTest {
    private static final Instant START = Instant.EPOCH;
    private static final Duration FIVE_MINUTES = Duration.ofMinutes(5);

    private final SeriesStore store = new SeriesStore();

    @ParameterizedTest
    @CsvSource({
        "steady, 0 10 20 30 40 50 60 70 80 90 100, 100",
        "restarted, 0 18 36 54 72 90 0 18 36 54 72, 160",
        "not from 0, 10 20 30 40 50 60 70 80 90 100 110, 100",
        "from 1, 1 11 21 31 41 51 61 71 81 91 101, 100"
    })
    void aCounterIncreasesOverTheWholeRange(String what, String values, double increase) {
        load(Map.of(Labels.NAME, "requests_total", "case", what), numbers(values));

        assertThat(only("increase(requests_total[50m])", 50)).isCloseTo(increase, within(1e-9));
        assertThat(only("rate(requests_total[50m])", 50)).isCloseTo(increase / 3000, within(1e-9));
    }

    @Test
    void aCounterThatBeginsWithItsFirstEventHasNoIncreaseYetWhereOneThatWasZeroHasOne() {
        load(Map.of(Labels.NAME, "late_total"), Double.NaN, Double.NaN, 1);
        load(Map.of(Labels.NAME, "early_total"), 0, 0, 1);

        assertThat(values("increase(late_total[15m])", 10)).isEmpty();
        assertThat(only("increase(early_total[15m])", 10)).isPositive();
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "0.2, 0.048", "0.5, 0.15", "0.8, 0.72", "1, 1"})
    void aQuantileLiesBetweenTheBoundsOfItsBucket(double quantile, double expected) {
        bucket("0.1", 50);
        bucket("0.2", 70);
        bucket("1.0", 110);
        bucket("+Inf", 120);

        assertThat(only("histogram_quantile(" + quantile + ", seconds_bucket)", 0))
                .isCloseTo(expected, within(1e-9));
    }

    @Test
    void aHistogramWithoutObservationsHasNoQuantile() {
        bucket("0.1", 0);
        bucket("+Inf", 0);

        assertThat(only("histogram_quantile(0.5, seconds_bucket)", 0)).isNaN();
        assertThat(values("histogram_quantile(0.5, seconds_bucket) > 1", 0)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                a > 1                         | {__name__=a, n=x}=2.0
                1 < a                         | {__name__=a, n=x}=2.0
                a{n="y"}                      | {__name__=a, n=y}=1.0
                a{n!="y"}                     | {__name__=a, n=x}=2.0
                a{n=~"x.*"}                   | {__name__=a, n=x}=2.0
                a - b                         | {n=x}=-3.0 {n=y}=0.0
                a / b * 10                    | {n=x}=4.0 {n=y}=10.0
                sum(a)                        | {}=3.0
                sum by (n) (a)                | {n=x}=2.0 {n=y}=1.0
                count(a == 5) or vector(0)    | {}=0.0
                count(a == 1) or vector(0)    | {}=1.0
                avg(a) + 1                    | {}=2.5
                max(a) == 2                   | {}=2.0
                min(a) <= 1                   | {}=1.0
                absent(c)                     | {}=1.0
                sum(c)                        | ''
                absent(a)                     | ''
                """)
    void operatorsFilterAndCalculateBySeries(String query, String expected) {
        load(Map.of(Labels.NAME, "a", "n", "x"), 2);
        load(Map.of(Labels.NAME, "a", "n", "y"), 1);
        load(Map.of(Labels.NAME, "b", "n", "x"), 5);
        load(Map.of(Labels.NAME, "b", "n", "y"), 1);

        assertThat(values(query, 0).entrySet().stream()
                        .map(value -> value.getKey() + "=" + value.getValue())
                        .sorted()
                        .collect(Collectors.joining(" ")))
                .isEqualTo(expected);
    }

    @Test
    void andAndUnlessGoByTheLabels() {
        load(Map.of(Labels.NAME, "a", "n", "x"), 2);
        load(Map.of(Labels.NAME, "a", "n", "y"), 1);
        load(Map.of(Labels.NAME, "b", "n", "x"), 5);

        assertThat(values("a and b", 0).keySet())
                .extracting(labels -> labels.value("n"))
                .containsExactly("x");
        assertThat(values("a unless b", 0).keySet())
                .extracting(labels -> labels.value("n"))
                .containsExactly("y");
    }

    @Test
    void aSeriesEndsWithItsTargetAndAtTheLatestAfterFiveMinutes() {
        Labels target = Labels.of(Map.of("pod", "p"));
        store.scrape(target, "# HELP a text\na{n=\"x\"} 7.0\n", START);
        store.scrape(target, "a{n=\"x\"} 7.0\n", START.plusSeconds(30));

        assertThat(only("a", START.plusSeconds(329))).isEqualTo(7);
        assertThat(values("a", START.plusSeconds(330))).isEmpty();

        store.failedScrape(target, START.plusSeconds(60));
        assertThat(values("a", START.plusSeconds(60))).isEmpty();
        assertThat(only("up{pod=\"p\"}", START.plusSeconds(60))).isZero();

        store.targetGone(target, START.plusSeconds(90));
        assertThat(values("up", START.plusSeconds(90))).isEmpty();
    }

    @Test
    void anAlertIsPendingForItsTimeAndStartsAgainAfterABreak() {
        AlertRule rule = AlertRule.of("High", "a > 1", "10m");
        load(Map.of(Labels.NAME, "a"), 2, 2, 2, 0, 2, 2);

        List<String> states = LongStream.of(0, 5, 10, 15, 20, 25)
                .mapToObj(minute -> {
                    rule.evaluate(store, START.plusSeconds(60 * minute));
                    return rule.firing().isEmpty() ? rule.active().isEmpty() ? "none" : "pending" : "firing";
                })
                .toList();

        assertThat(states).containsExactly("pending", "pending", "firing", "none", "pending", "pending");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a[5m]",
                "rate(a)",
                "sum(a",
                "a +",
                "a % 2",
                "topk(3, a)",
                "a{n=x}",
                "predict_linear(a[5m], 3)",
                "1 or 2"
            })
    void whatItDoesNotKnowIsAnError(String query) {
        load(Map.of(Labels.NAME, "a"), 1);

        assertThatThrownBy(() -> values(query, 0)).isInstanceOf(IllegalArgumentException.class);
    }

    private void bucket(String bound, double count) {
        load(Map.of(Labels.NAME, "seconds_bucket", "le", bound), count);
    }

    /** A value each five minutes; NaN for none. */
    private void load(Map<String, String> labels, double... values) {
        for (int i = 0; i < values.length; i++) {
            if (!Double.isNaN(values[i])) {
                store.add(Labels.of(labels), values[i], START.plus(FIVE_MINUTES.multipliedBy(i)));
            }
        }
    }

    private static double[] numbers(String text) {
        return Stream.of(text.split(" ", -1)).mapToDouble(Double::parseDouble).toArray();
    }

    private Map<Labels, Double> values(String query, long minute) {
        return values(query, START.plusSeconds(60 * minute));
    }

    private Map<Labels, Double> values(String query, Instant at) {
        return Query.of(query).evaluate(store, at);
    }

    private double only(String query, long minute) {
        return only(query, START.plusSeconds(60 * minute));
    }

    private double only(String query, Instant at) {
        Map<Labels, Double> values = values(query, at);
        assertThat(values).as(query).hasSize(1);
        return values.values().iterator().next();
    }
}
