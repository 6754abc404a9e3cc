// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit.lane;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.reporting.ReportEntry;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;

/** Counts tests by class, and keeps what to print of those that fail. */
final class ResultListener implements TestExecutionListener {
    private final Map<String, Counts> classes = new LinkedHashMap<>();
    private final Map<TestIdentifier, List<String>> reports = new HashMap<>();
    private final StringBuilder failures = new StringBuilder();
    private TestPlan plan;

    /** Those of a class. */
    private static final class Counts {
        private final long start = System.nanoTime();
        private int tests;
        private int failed;
        private int skipped;
        private long nanos;

        private ClassResult result(String name) {
            return new ClassResult(name, tests, failed, skipped, nanos / 1_000_000);
        }
    }

    List<ClassResult> results() {
        return classes.entrySet().stream()
                .map(entry -> entry.getValue().result(entry.getKey()))
                .toList();
    }

    String failures() {
        return failures.toString();
    }

    @Override
    public void testPlanExecutionStarted(TestPlan started) {
        plan = started;
    }

    @Override
    public void executionStarted(TestIdentifier identifier) {
        if (!isEngine(identifier)) {
            counts(identifier);
        }
    }

    @Override
    public void executionSkipped(TestIdentifier identifier, String reason) {
        Counts counts = counts(identifier);
        counts.tests++;
        counts.skipped++;
    }

    /** What jqwik says of a property: the seed and the sample. */
    @Override
    public void reportingEntryPublished(TestIdentifier identifier, ReportEntry entry) {
        reports.computeIfAbsent(identifier, _ -> new ArrayList<>())
                .addAll(entry.getKeyValuePairs().values());
    }

    @Override
    public void executionFinished(TestIdentifier identifier, TestExecutionResult result) {
        boolean succeeded = result.getStatus() == TestExecutionResult.Status.SUCCESSFUL;
        if (isEngine(identifier) && succeeded) {
            return;
        }
        Counts counts = counts(identifier);
        counts.nanos = System.nanoTime() - counts.start;
        if (identifier.isTest() || !succeeded) {
            counts.tests++;
        }
        switch (result.getStatus()) {
            case SUCCESSFUL -> {}
            case ABORTED -> counts.skipped++;
            case FAILED -> {
                counts.failed++;
                describe(identifier, result);
            }
        }
    }

    private void describe(TestIdentifier identifier, TestExecutionResult result) {
        StringWriter trace = new StringWriter();
        result.getThrowable().ifPresent(thrown -> thrown.printStackTrace(new PrintWriter(trace)));
        failures.append(path(identifier)).append('\n');
        reports.getOrDefault(identifier, List.of())
                .forEach(report -> failures.append(report).append('\n'));
        failures.append(trace).append('\n');
    }

    /** The names of the class, the method and the parameters. */
    private String path(TestIdentifier identifier) {
        String name = className(identifier).orElse(identifier.getDisplayName());
        return parent(identifier).map(parent -> path(parent) + " > " + name).orElse(name);
    }

    private Counts counts(TestIdentifier identifier) {
        return classes.computeIfAbsent(topLevelClass(identifier), _ -> new Counts());
    }

    /** Its name, or that of the engine, which may fail outside of a class. */
    private String topLevelClass(TestIdentifier identifier) {
        return parent(identifier)
                .map(this::topLevelClass)
                .or(() -> className(identifier))
                .orElse(identifier.getDisplayName().replace(' ', '-'));
    }

    private Optional<TestIdentifier> parent(TestIdentifier identifier) {
        return plan.getParent(identifier).filter(parent -> !isEngine(parent));
    }

    private static Optional<String> className(TestIdentifier identifier) {
        return identifier
                .getSource()
                .filter(ClassSource.class::isInstance)
                .map(source -> ((ClassSource) source).getClassName());
    }

    private static boolean isEngine(TestIdentifier identifier) {
        return identifier.getParentId().isEmpty();
    }
}
