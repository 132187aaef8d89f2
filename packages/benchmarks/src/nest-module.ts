import 'reflect-metadata'
import { Controller, Module } from '@nestjs/common'
import { Ctx, EventPattern } from '@nestjs/microservices'

/** Decorators are called by hand, since this repository's TypeScript runs without being compiled. */
export function nestModule<Context>(pattern: string, handle: (context: Context) => void): new () => object {
  class BenchController {
    handle(context: Context): void {
      handle(context)
    }
  }
  const method = Object.getOwnPropertyDescriptor(BenchController.prototype, 'handle') as PropertyDescriptor
  EventPattern(pattern)(BenchController.prototype, 'handle', method)
  Ctx()(BenchController.prototype, 'handle', 0)
  Controller()(BenchController)
  class BenchModule {}
  Module({ controllers: [BenchController] })(BenchModule)
  return BenchModule
}
