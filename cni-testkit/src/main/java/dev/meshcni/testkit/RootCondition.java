// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit;

import java.lang.reflect.AnnotatedElement;
import java.util.Optional;
import net.jqwik.api.lifecycle.LifecycleContext;
import net.jqwik.api.lifecycle.SkipExecutionHook;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.platform.commons.support.AnnotationSupport;
import org.opentest4j.TestAbortedException;

/** Skips what {@link NeedsRoot} marks unless this process is root. Public because JUnit and jqwik make it. */
public final class RootCondition implements ExecutionCondition, BeforeEachCallback, SkipExecutionHook {
    /** A class as a whole. Methods come later: a parameterized one that is skipped here is missing in the reports. */
    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        if (context.getTestMethod().isPresent()) {
            return ConditionEvaluationResult.enabled("decided before each test");
        }
        return reasonToSkip(context.getElement())
                .map(ConditionEvaluationResult::disabled)
                .orElseGet(() -> ConditionEvaluationResult.enabled("runs as root"));
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        reasonToSkip(context.getElement()).ifPresent(reason -> {
            throw new TestAbortedException(reason);
        });
    }

    @Override
    public SkipResult shouldBeSkipped(LifecycleContext context) {
        return reasonToSkip(context.optionalElement()).map(SkipResult::skip).orElseGet(SkipResult::doNotSkip);
    }

    private static Optional<String> reasonToSkip(Optional<AnnotatedElement> element) {
        if (Lane.isRoot()) {
            return Optional.empty();
        }
        return element.flatMap(marked -> AnnotationSupport.findAnnotation(marked, NeedsRoot.class))
                .map(needs -> "needs root: " + needs.value());
    }
}
