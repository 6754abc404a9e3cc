// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit.promql;

import dev.meshcni.testkit.promql.Expression.Aggregation;
import dev.meshcni.testkit.promql.Expression.Call;
import dev.meshcni.testkit.promql.Expression.Operation;
import dev.meshcni.testkit.promql.Expression.Scalar;
import dev.meshcni.testkit.promql.Expression.Selector;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Parses PromQL; what {@link Expression} does not have is an error. */
final class PromQlParser {
    private static final Pattern TOKEN =
            Pattern.compile("\\s*(?:(?<duration>(?:\\d+(?:ms|[smhdwy]))+)|(?<number>\\d+(?:\\.\\d+)?)"
                    + "|(?<name>[a-zA-Z_][a-zA-Z0-9_:]*)|\"(?<text>[^\"\\\\]*)\""
                    + "|(?<sign>==|!=|=~|!~|<=|>=|[-+*/<>=(){}\\[\\],]))");
    private static final Pattern DURATION_PART = Pattern.compile("(\\d+)(ms|[smhdwy])");
    private static final Set<String> AGGREGATIONS = Set.of("avg", "count", "max", "min", "sum");

    /** From the weakest to the strongest. */
    private static final List<Set<String>> OPERATORS = List.of(
            Set.of("or"),
            Set.of("and", "unless"),
            Set.of("==", "!=", "<", "<=", ">", ">="),
            Set.of("+", "-"),
            Set.of("*", "/"));

    private enum Kind {
        DURATION,
        NUMBER,
        NAME,
        TEXT,
        SIGN,
        END
    }

    private record Token(Kind kind, String text) {}

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int next;

    private PromQlParser(String source) {
        this.source = source;
        Matcher matcher = TOKEN.matcher(source.strip());
        int end = 0;
        while (end < source.strip().length()) {
            if (!matcher.find(end) || matcher.start() != end) {
                throw new IllegalArgumentException("unknown token at character " + end + " of " + source);
            }
            for (Kind kind : List.of(Kind.DURATION, Kind.NUMBER, Kind.NAME, Kind.TEXT, Kind.SIGN)) {
                String text = matcher.group(kind.name().toLowerCase(Locale.ROOT));
                if (text != null) {
                    tokens.add(new Token(kind, text));
                }
            }
            end = matcher.end();
        }
        tokens.add(new Token(Kind.END, "the end"));
    }

    static Expression parse(String source) {
        PromQlParser parser = new PromQlParser(source);
        Expression expression = parser.operation(0);
        parser.expect(Kind.END, "the end");
        return expression;
    }

    private Expression operation(int strength) {
        if (strength == OPERATORS.size()) {
            return operand();
        }
        Expression left = operation(strength + 1);
        while (OPERATORS.get(strength).contains(peek().text()) && peek().kind() != Kind.TEXT) {
            String operator = take().text();
            left = new Operation(operator, left, operation(strength + 1));
        }
        return left;
    }

    private Expression operand() {
        Token token = take();
        return switch (token.kind()) {
            case NUMBER -> new Scalar(Double.parseDouble(token.text()));
            case SIGN -> {
                if (!token.text().equals("(")) {
                    throw unexpected(token);
                }
                Expression inner = operation(0);
                expect(Kind.SIGN, ")");
                yield inner;
            }
            case NAME -> named(token.text());
            case DURATION, TEXT, END -> throw unexpected(token);
        };
    }

    private Expression named(String name) {
        if (AGGREGATIONS.contains(name)) {
            List<String> labels = by();
            Expression operand = arguments().getFirst();
            return new Aggregation(name, labels.isEmpty() ? by() : labels, operand);
        }
        return peek().text().equals("(") ? new Call(name, arguments()) : selector(name);
    }

    private List<String> by() {
        if (!peek().text().equals("by")) {
            return List.of();
        }
        take();
        List<String> labels = new ArrayList<>();
        expect(Kind.SIGN, "(");
        while (peek().kind() == Kind.NAME) {
            labels.add(take().text());
            skip(",");
        }
        expect(Kind.SIGN, ")");
        return labels;
    }

    private List<Expression> arguments() {
        List<Expression> arguments = new ArrayList<>();
        expect(Kind.SIGN, "(");
        while (!peek().text().equals(")")) {
            arguments.add(operation(0));
            skip(",");
        }
        expect(Kind.SIGN, ")");
        return arguments;
    }

    private Selector selector(String name) {
        List<LabelMatch> matches = new ArrayList<>(List.of(new LabelMatch(Labels.NAME, "=", name)));
        if (peek().text().equals("{")) {
            take();
            while (peek().kind() == Kind.NAME) {
                String label = take().text();
                String operator = take().text();
                matches.add(new LabelMatch(label, operator, expect(Kind.TEXT, "a text")));
                skip(",");
            }
            expect(Kind.SIGN, "}");
        }
        Optional<Duration> range = Optional.empty();
        if (peek().text().equals("[")) {
            take();
            range = Optional.of(duration(expect(Kind.DURATION, "a duration")));
            expect(Kind.SIGN, "]");
        }
        return new Selector(matches, range);
    }

    static Duration duration(String text) {
        Duration sum = Duration.ZERO;
        Matcher part = DURATION_PART.matcher(text);
        while (part.find()) {
            long amount = Long.parseLong(part.group(1));
            sum = sum.plus(
                    switch (part.group(2)) {
                        case "ms" -> Duration.ofMillis(amount);
                        case "s" -> Duration.ofSeconds(amount);
                        case "m" -> Duration.ofMinutes(amount);
                        case "h" -> Duration.ofHours(amount);
                        case "d" -> Duration.ofDays(amount);
                        case "w" -> Duration.ofDays(7 * amount);
                        default -> Duration.ofDays(365 * amount);
                    });
        }
        return sum;
    }

    private Token peek() {
        return tokens.get(next);
    }

    private Token take() {
        return tokens.get(next++);
    }

    private void skip(String sign) {
        if (peek().text().equals(sign)) {
            take();
        }
    }

    private String expect(Kind kind, String what) {
        Token token = take();
        if (token.kind() != kind || (kind == Kind.SIGN && !token.text().equals(what))) {
            throw new IllegalArgumentException("'" + token.text() + "' instead of " + what + " in " + source);
        }
        return token.text();
    }

    private IllegalArgumentException unexpected(Token token) {
        return new IllegalArgumentException("unexpected '" + token.text() + "' in " + source);
    }
}
