// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit;

import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Method;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import net.jqwik.api.lifecycle.AroundTryHook;
import net.jqwik.api.lifecycle.PropagationMode;
import net.jqwik.api.lifecycle.TryExecutionResult;
import net.jqwik.api.lifecycle.TryExecutor;
import net.jqwik.api.lifecycle.TryLifecycleContext;

/**
 * Passes over the tries of a jqwik property beyond {@link Lane#tries}: jqwik's own setting is a default, and gives way
 * to what a property asks for. Public because jqwik makes it.
 */
public final class TriesLimit implements AroundTryHook {
    private static final Map<Method, AtomicInteger> TRIES = new ConcurrentHashMap<>();

    @Override
    public TryExecutionResult aroundTry(TryLifecycleContext context, TryExecutor aTry, List<Object> parameters) {
        int tries = TRIES.computeIfAbsent(context.targetMethod(), _ -> new AtomicInteger())
                .getAndIncrement();
        return tries < Lane.tries(Integer.MAX_VALUE) ? aTry.execute(parameters) : TryExecutionResult.satisfied(true);
    }

    @Override
    public boolean appliesTo(Optional<AnnotatedElement> element) {
        return element.isPresent();
    }

    @Override
    public PropagationMode propagateTo() {
        return PropagationMode.ALL_DESCENDANTS;
    }
}
